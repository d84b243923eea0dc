import { useState } from "react";
import type { LedgerEntry } from "../../api/governance";
import { clock, humanize, reveal } from "../../format";
import { words } from "../../words";

const say = words.audit;
const BAD = new Set(["deny", "denied", "error", "failed", "reject", "rejected", "refused", "unknown", "invalid", "expired", "down"]);
const GOOD = new Set(["allow", "ok", "succeeded", "done", "approved", "resumed", "loaded", "up"]);
const BAD_PHASES = new Set(["refused", "violation"]);

/** A decision to ask is open; a vote to approve is not. */
function toneOf({ phase, outcome }: LedgerEntry): string {
  if (BAD_PHASES.has(phase) || BAD.has(outcome)) return "bad";
  if (outcome === "approve") return phase === "vote" ? "ok" : "wait";
  return GOOD.has(outcome) ? "ok" : "idle";
}

function wordOf({ phase, outcome }: LedgerEntry): string {
  return (phase === "vote" || phase === "refused" ? say.votes[outcome] : undefined) ?? say.outcomes[outcome] ?? humanize(outcome);
}

/** An entry in a line; opened, all that it says. */
export function EntryRow({ row }: { row: LedgerEntry }) {
  const [open, show] = useState(false);
  const what = row.tool || row.step_id || row.agent;
  return (
    <>
      <tr className={open ? "opened" : undefined}>
        <td className="when"><button className="link" aria-expanded={open} onClick={() => show(!open)}>{clock(row.at)}<span className="sr">, {say.open(row.seq)}</span></button></td>
        <td>{say.phases[row.phase] ?? humanize(row.phase)}</td>
        <td><span className={row.tool ? "mono" : ""}>{reveal(what)}</span>{row.tool && row.agent && <span className="small muted"> {humanize(row.agent)}</span>}</td>
        <td><span className={`st ${toneOf(row)}`}>{wordOf(row)}</span></td>
        <td>{reveal(row.user)}</td>
        <td className="n muted">{row.seq}</td>
      </tr>
      {open && <tr className="detail"><td colSpan={6}><Whole row={row} /></td></tr>}
    </>
  );
}

function Whole({ row }: { row: LedgerEntry }) {
  const said = Object.entries(row).filter(([, value]) => value !== null && value !== "" && !(typeof value === "object" && !Object.keys(value).length));
  return (
    <>
      <dl className="facts">
        {said.map(([name, value]) => (
          <div key={name} className="pair">
            <dt>{humanize(name)}</dt>
            <dd>{name === "execution_id" ? <a className="mono" href={`#/audit/${row.execution_id}`}>{row.execution_id}</a> : <Value value={value} />}</dd>
          </div>
        ))}
      </dl>
      {row.tool && row.rules?.length > 0 && <p><a href={`#/policies/explain/${row.tool}/${row.agent}`}>{say.tryIt}</a></p>}
    </>
  );
}

function Value({ value }: { value: unknown }) {
  if (Array.isArray(value)) return <>{value.map((one, at) => <span key={at} className="line">{reveal(String(one))}</span>)}</>;
  return <span className="mono">{reveal(typeof value === "object" ? JSON.stringify(value) : String(value))}</span>;
}
