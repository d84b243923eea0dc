import { useState } from "react";
import type { Asked, Interrupt, Json } from "../api/types";
import { humanize, reveal } from "../format";
import { words } from "../words";
import { Exact } from "./Exact";

const say = words.question;

/** Any other pause of a graph: a question, a plan to review, decisions without a table, or something unknown, answered in JSON. */
export function Question({ interrupt, answer }: { interrupt: Interrupt; answer(value: unknown): Promise<boolean> }) {
  const asked = interrupt.value as Partial<Asked> | null;
  const action = asked?.action_requests?.[0];
  if (!action) return <Unknown value={interrupt.value as Json} answer={answer} />;
  const allowed = asked?.review_configs?.[0]?.allowed_decisions ?? ["respond"];
  const question = action.args.question;
  const options = Array.isArray(action.args.options) ? action.args.options.filter((one) => typeof one === "string") : [];
  const reviewing = action.name === "review_plan";
  const all = (decision: object) => answer({ decisions: asked!.action_requests!.map(() => decision) });
  return (
    <section className="ask" aria-label={say.title}>
      <header><h3 className="st wait">{reviewing ? say.plan : action.name === "ask_user" ? say.title : humanize(action.name)}</h3></header>
      <div className="body">
        {typeof question === "string" ? <p>{reveal(question)}</p> : action.description && <p>{reveal(action.description)}</p>}
        {!reviewing && action.name !== "ask_user" && asked!.action_requests!.map((one, at) => (
          <dl className="args" key={at}>{Object.entries(one.args).map(([name, value]) => <div key={name} className="pair"><dt>{humanize(name)}</dt><dd><Exact value={value} /></dd></div>)}</dl>
        ))}
        {options.length > 0 && <div className="actions">{options.map((one) => <button key={one} className="btn" onClick={() => void all({ type: "respond", message: one })}>{reveal(one)}</button>)}</div>}
        <Words allowed={allowed} all={all} />
      </div>
    </section>
  );
}

function Words({ allowed, all }: { allowed: string[]; all(decision: object): Promise<boolean> }) {
  const [text, setText] = useState("");
  const speaks = allowed.includes("respond") ? "respond" : "reject";
  return (
    <>
      {(allowed.includes("respond") || allowed.includes("reject")) && (
        <label className="reason">{say.answer}<textarea className="field" rows={2} value={text} onChange={(event) => setText(event.target.value)} /></label>
      )}
      <div className="actions">
        {allowed.includes("approve") && <button className="btn primary" onClick={() => void all({ type: "approve" })}>{say.approve}</button>}
        {allowed.includes("respond") && <button className="btn primary" disabled={!text.trim()} onClick={() => void all({ type: "respond", message: text.trim() })}>{say.send}</button>}
        {speaks === "reject" && allowed.includes("reject") && <button className="btn" disabled={!text.trim()} onClick={() => void all({ type: "reject", message: text.trim() })}>{say.reject}</button>}
      </div>
    </>
  );
}

function Unknown({ value, answer }: { value: Json; answer(value: unknown): Promise<boolean> }) {
  const [text, setText] = useState("");
  const [bad, setBad] = useState(false);
  const send = () => {
    try {
      void answer(JSON.parse(text));
    } catch {
      setBad(true);
    }
  };
  return (
    <section className="ask" aria-label={say.title}>
      <header><h3 className="st wait">{say.title}</h3></header>
      <div className="body">
        <p>{say.unknown}</p>
        <pre className="mono">{reveal(JSON.stringify(value, null, 2))}</pre>
        <label className="reason">{say.json}<textarea className="field mono" rows={3} aria-invalid={bad} value={text} onChange={(event) => (setText(event.target.value), setBad(false))} /></label>
        {bad && <p role="alert" className="small">{words.approval.bad}</p>}
        <div className="actions"><button className="btn primary" onClick={send}>{say.send}</button></div>
      </div>
    </section>
  );
}
