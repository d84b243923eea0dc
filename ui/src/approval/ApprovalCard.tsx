import { useEffect, useId, useRef, useState } from "react";
import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import type { Approval, Json, Verdict } from "../api/types";
import { humanize, reveal, seconds } from "../format";
import { Alert } from "../shell/Alert";
import { words } from "../words";
import { Arguments } from "./Arguments";

/** `late`: somebody else had decided before this vote. */
interface Given { approval: Approval; progress: string; done(row: Approval, late: boolean): void; refresh(): void }
const say = words.approval;

/** One action to decide: what exactly, from where, why it was stopped, and what can be said to it. */
export function ApprovalCard({ approval, progress, done, refresh }: Given) {
  const [edits, setEdits] = useState<Record<string, Json> | null>(null);
  const [asking, setAsking] = useState<"reject" | "respond" | null>(null);
  const [message, setMessage] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const changed = edits !== null && JSON.stringify(edits) !== JSON.stringify(approval.args);

  const vote = async (verdict: Verdict, text = "") => {
    setBusy(true);
    setProblem(null);
    try {
      // Somebody else may have decided while this card was open.
      const now = await api.approval(approval.id);
      if (now.status !== "pending") return done(now, true);
      done(await api.vote(approval.id, verdict, text, verdict === "edit" ? edits! : undefined), false);
    } catch (error) {
      const why = problemOf(error);
      const now = why.status === 409 ? await api.approval(approval.id).catch(() => null) : null;
      if (now && now.status !== "pending") return done(now, true);
      setProblem(why);
      refresh();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form ref={form} className="ask" aria-labelledby={id} onSubmit={(event) => event.preventDefault()}>
      <fieldset disabled={busy}>
        <legend className="sr">{headingOf(approval)}</legend>
        <header>
          <h3 id={id} className="st wait grow">{say.heading(headingOf(approval))}</h3>
          <span className="small muted">{progress}</span>
          <span className="small muted about">{say.by(approval.agent, approval.requester)} · <Expiry at={approval.expires_at} /></span>
        </header>
        <div className="body">
          {approval.masked ? <p className="muted">{say.masked}</p> : <Arguments approval={approval} edits={edits} change={setEdits} />}
          <p className="why small muted">
            {say.rule("")}<span className="mono">{approval.rules.join(", ")}</span>: {approval.reasons.map(reveal).join("; ")}. {say.approvers} {approval.approvers.join(", ")}.
            {approval.votes.length > 0 && ` ${say.votes(approval.votes.length)}.`} {say.next}
          </p>
          {asking && (
            <div className="reason">
              <label htmlFor={`${id}-why`}>{asking === "reject" ? say.reason : say.answer}</label>
              <textarea id={`${id}-why`} className="field" rows={2} autoFocus required value={message} onChange={(event) => setMessage(event.target.value)} />
            </div>
          )}
          {problem && <Alert problem={problem} />}
          <div className="actions">
            {asking ? (
              <>
                <button type="button" className={asking === "reject" ? "btn danger" : "btn primary"} disabled={!message.trim()} onClick={() => void vote(asking, message.trim())}>{say.send[asking]}</button>
                <button type="button" className="btn" onClick={() => (setAsking(null), setMessage(""))}>{say.cancel}</button>
              </>
            ) : (
              <>
                <button type="button" className="btn primary" onClick={() => form.current!.reportValidity() && void vote(changed ? "edit" : "approve")}>{changed ? say.approveEdits : say.approve}</button>
                {!approval.masked && <button type="button" className="btn" onClick={() => setEdits(edits ? null : { ...approval.args })}>{edits ? say.cancelEdit : say.edit}</button>}
                <button type="button" className="btn" onClick={() => setAsking("reject")}>{say.reject}</button>
                <button type="button" className="btn" onClick={() => setAsking("respond")}>{say.respond}</button>
              </>
            )}
          </div>
        </div>
      </fieldset>
    </form>
  );
}

/** `Open case for Oskvar Laboratories`: the tool, and the text that says most of what it is about. */
export function headingOf(approval: Approval): string {
  const title = approval.args.title ?? approval.args.subject ?? approval.args.name;
  const what = humanize(approval.tool);
  return typeof title === "string" && !approval.masked ? `${what}: ${reveal(title)}` : what;
}

function Expiry({ at }: { at: string }) {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 20_000);
    return () => clearInterval(timer);
  }, []);
  const left = (Date.parse(at) - now) / 1000;
  return <span>{left > 0 ? say.expires(seconds(left)) : say.expired}</span>;
}

/** Said where a vote came too late. */
export function Late({ row, dismiss }: { row: Approval; dismiss(): void }) {
  return (
    <p className="note late" role="alert">
      <b>{say.already(row.decided_by.join(", ") || row.status)}</b>: {headingOf(row)}, {(say.decided[row.status] ?? row.status).toLowerCase()}.{" "}
      <button className="link" onClick={dismiss}>{words.dismiss}</button>
    </p>
  );
}
