import { useEffect, useRef, useState } from "react";
import { type Problem, problemOf } from "../../api/problem";
import { clock, reveal, seconds } from "../../format";
import { words } from "../../words";
import { Waiting } from "../parts/Page";
import { Plain } from "../parts/Plain";
import { type Filter, operations, type Run } from "./api";

const say = words.operations;

/** The runs behind a number, page by page. */
export function Runs({ what, window, filter, close }: { what: string; window: { since: string; until: string }; filter: Filter; close(): void }) {
  const [runs, setRuns] = useState<Run[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const read = async (before: string | null) => {
    try {
      const page = await operations.runs(window, filter, before);
      setRuns((rows) => [...(before ? (rows ?? []) : []), ...page.runs]);
      setNext(page.next);
      setProblem(null);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  useEffect(() => {
    heading.current?.focus();
    void read(null);
  }, []);
  return (
    <section className="runs">
      <h2 ref={heading} tabIndex={-1}>{say.behind(what)} <button className="link small" onClick={close}>{say.close}</button></h2>
      {(problem || !runs) && <Waiting problem={problem} again={() => void read(null)} />}
      {runs && (
        <Plain
          caption={say.behind(what)}
          head={say.runsHead}
          rows={runs.map((one) => [
            one.thread_id ? <a href={`#/t/${one.thread_id}`}>{reveal(one.goal)}</a> : reveal(one.goal),
            say.outcomes[one.outcome] ?? one.outcome,
            reveal(one.requester),
            clock(one.created),
            one.ended ? seconds((Date.parse(one.ended) - Date.parse(one.created)) / 1000) : "–",
          ])}
        />
      )}
      {next && <button className="link" onClick={() => void read(next)}>{say.more}</button>}
    </section>
  );
}
