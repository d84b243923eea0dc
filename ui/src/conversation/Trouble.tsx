import { useEffect, useState } from "react";
import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import type { Budget } from "../api/types";
import { humanize, reveal } from "../format";
import { failuresOf } from "../plan/steps";
import { Alert } from "../shell/Alert";
import type { Thread, ThreadStore } from "../state/thread";
import { words } from "../words";

const say = words.trouble;

/** A run that failed, or whose budget is spent: why, and what can be done about it. Nothing where all is well or still goes on. */
export function Trouble({ thread, store, edit }: { thread: Thread; store: ThreadStore; edit(): void }) {
  const [raising, raise] = useState(false);
  if (thread.row?.status === "busy" || thread.lives.running.length > 0) return null;
  const crashed = thread.row?.status === "error";
  const unpaid = failuresOf(thread).find((one) => one.kind === "budget");
  if (!crashed && !unpaid) return null;
  const goal = thread.state?.values.messages?.findLast((one) => one.type === "human");
  return (
    <div className="alert trouble" role="alert">
      <span className="st bad">{crashed ? say.failed : say.budget}</span>
      <span className="grow">{reveal(crashed ? cause(thread.row?.error) : unpaid!.why)}</span>
      {thread.execution && <span className="mono small muted">{words.run} {thread.execution.id}</span>}
      <div className="actions">
        <button className="btn" onClick={() => void (crashed || !goal ? store.goOn() : store.say(String(goal.content)))}>{say.again}</button>
        <button className="btn" onClick={edit}>{say.edit}</button>
        {unpaid && <button className="btn" aria-expanded={raising} onClick={() => raise(!raising)}>{say.raise}</button>}
      </div>
      {raising && thread.execution && <Raise run={thread.execution.id} done={() => raise(false)} />}
    </div>
  );
}

function cause(error: unknown): string {
  if (error && typeof error === "object" && "message" in error) return String(error.message);
  return typeof error === "string" ? error : "";
}

/** More of a limit that is spent; whose role does not allow it is told so. */
function Raise({ run, done }: { run: string; done(): void }) {
  const [limits, setLimits] = useState<Budget[] | null>(null);
  const [chosen, choose] = useState(0);
  const [amount, setAmount] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [raised, setRaised] = useState(false);
  useEffect(() => void api.budgets(run).then((found) => setLimits([...found].sort((a, b) => a.left - b.left)), (error: unknown) => setProblem(problemOf(error))), [run]);
  const limit = limits?.[chosen];
  const send = async () => {
    try {
      await api.raise(run, limit!.scope, limit!.unit, Number(amount));
      setRaised(true);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  if (raised) return <p role="status">{say.raised}</p>;
  return (
    <form className="raise" onSubmit={(event) => (event.preventDefault(), void send())}>
      {problem && <Alert problem={problem} />}
      {limits && limit && (
        <>
          <label className="labelled"><span>{say.which}</span>
            <select className="field" value={chosen} onChange={(event) => choose(Number(event.target.value))}>
              {limits.map((one, at) => <option key={at} value={at}>{say.limit(say.scopes[one.scope] ?? one.scope, say.units[one.unit] ?? humanize(one.unit).toLowerCase(), one.used.toLocaleString("en-US"), one.limit.toLocaleString("en-US"))}</option>)}
            </select>
          </label>
          <label className="labelled"><span>{say.more}</span><input className="field" type="number" min="0" step="any" required autoFocus value={amount} onChange={(event) => setAmount(event.target.value)} /></label>
          <button className="btn primary" disabled={!(Number(amount) > 0)}>{say.send}</button>
          <button type="button" className="btn" onClick={done}>{say.cancel}</button>
        </>
      )}
    </form>
  );
}
