import { useEffect, useRef, useState } from "react";
import { api, textOf } from "../api/client";
import type { Answer, AnswerOf, Cited, Message } from "../api/types";
import { Markdown } from "../report/lazy";
import { Report } from "../report/Report";

const NEAR = "600px";
const kept = new Map<string, Promise<Answer | null>>();

/** An earlier answer of the thread: with its sources, tables and charts once it is near what is seen, as text before that and where
 *  it is not kept, or not for this person to read whole. */
export function Answered({ message, of, cite }: { message: Message; of: AnswerOf; cite(cited: Cited): void }) {
  const box = useRef<HTMLDivElement>(null);
  const [answer, setAnswer] = useState<Answer | null>(of.answer ?? null);
  const execution = of.execution_id ?? "";
  useEffect(() => {
    if (answer) return;
    let gone = false;
    const near = new IntersectionObserver(
      ([seen]) => {
        if (!seen?.isIntersecting) return;
        near.disconnect();
        void read(execution).then((found) => gone || setAnswer(found));
      },
      { root: box.current!.closest(".log"), rootMargin: NEAR }, // the margin is the scrolled box's, not the window's
    );
    near.observe(box.current!);
    return () => ((gone = true), near.disconnect());
  }, [execution, answer]);
  return (
    <div ref={box}>
      {answer ? <Report answer={answer} execution={execution} cite={cite} /> : <article className="said"><Markdown text={textOf(message)} /></article>}
    </div>
  );
}

/** Answers do not change once they are given; one that could not be read is asked for again. */
function read(execution: string): Promise<Answer | null> {
  const known = kept.get(execution) ?? api.answer(execution).catch(() => (kept.delete(execution), null));
  kept.set(execution, known);
  return known;
}
