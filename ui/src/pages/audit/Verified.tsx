import { audit } from "../../api/governance";
import { clock } from "../../format";
import { words } from "../../words";
import { useAsked } from "../../state/useAsked";

const say = words.audit;

/** Does the ledger hold, and do the tables say what it says? Asked when the page is opened, and again on wish. */
export function Verified() {
  const { data, problem, loading, again } = useAsked(async () => ({ ...(await audit.verify()), at: new Date().toISOString() }), []);
  const count = (all: Record<string, number>) => Object.values(all).reduce((sum, one) => sum + one, 0).toLocaleString("en-US");
  if (problem) return <p className="badge" role="status"><span className="st idle">{say.notVerified}</span><span className="muted">{problem.status === 404 ? say.notYours : problem.detail || problem.title}</span></p>;
  if (!data) return <p className="badge" role="status" aria-busy="true"><span className="st run">{say.verifying}</span></p>;
  return (
    <div className={data.sound ? "badge ok" : "badge bad"} role="status" aria-busy={loading}>
      <span className={data.sound ? "st ok" : "st bad"}>{data.sound ? say.verified : say.broken(data.faults.length)}</span>
      <span className="grow">{data.sound ? say.holds(count(data.entries)) : say.read} <span className="muted">{say.unsigned(count(data.unsigned))} {say.asOf(clock(data.at))}</span></span>
      <button className="link" disabled={loading} onClick={again}>{loading ? say.verifying : say.again}</button>
      {data.faults.length > 0 && <ul>{data.faults.map((one, at) => <li key={at} className="mono">{Object.values(one).map(String).join(" · ")}</li>)}</ul>}
    </div>
  );
}
