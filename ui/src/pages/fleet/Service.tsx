import { useState } from "react";
import { problemOf, type Problem } from "../../api/problem";
import { clock, reveal } from "../../format";
import { Alert } from "../../shell/Alert";
import { words } from "../../words";
import { fleet, type Kind, type Suspension } from "./api";

const say = words.fleet;
interface Given { kind: Kind; name: string; title: string; suspended: Suspension | null; may: boolean; again(): void }

/** In service or not, and changing that, with a reason. */
export function Service({ kind, name, title, suspended, may, again }: Given) {
  const [asking, ask] = useState(false);
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const what = suspended ? "resume" : "suspend";
  const change = async () => {
    try {
      await fleet.change(what, kind, name, reason.trim());
      ask(false);
      setReason("");
      setProblem(null);
      again();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <>
      {suspended && <span className="st wait">{say.out}<span className="sr">: </span></span>}
      {suspended && <div className="small muted">{say.by(reveal(suspended.by), clock(suspended.at))}: {reveal(suspended.reason)}</div>}
      {may && !asking && <button className="link" aria-label={say.changeOne[what](title)} onClick={() => ask(true)}>{say.change[what]}</button>}
      {asking && (
        <form className="reason" onSubmit={(event) => (event.preventDefault(), void change())}>
          <input className="field" autoFocus required aria-label={say.why} placeholder={say.why} value={reason} onChange={(event) => setReason(event.target.value)} />
          <span className="row">
            <button className="btn" disabled={!reason.trim()}>{say.change[what]}</button>
            <button type="button" className="link" onClick={() => ask(false)}>{words.approval.cancel}</button>
          </span>
        </form>
      )}
      {problem && <Alert problem={problem} />}
    </>
  );
}
