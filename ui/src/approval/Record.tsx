import type { Approval } from "../api/types";
import { clock, humanize, reveal } from "../format";
import type { Thread } from "../state/thread";
import { words } from "../words";
import { headingOf } from "./ApprovalCard";
import { Exact } from "./Exact";

const say = words.approval;

/** What was decided in this thread, by whom and when. Nothing of it can be changed. */
export function Records({ thread }: { thread: Thread }) {
  const rows = (thread.execution?.approvals ?? []).filter((one) => one.status !== "pending");
  if (!rows.length) return null;
  return (
    <section className="records" aria-label={words.report.decisions}>
      <h3>{words.report.decisions}</h3>
      {rows.map((row) => <Record key={row.id} row={row} effect={thread.execution?.effects.find((one) => one.approval_id === row.id)?.state} />)}
    </section>
  );
}

export function Record({ row, effect }: { row: Approval; effect?: string | undefined }) {
  const tone = ["approved", "consumed"].includes(row.status) ? "ok" : row.status === "rejected" ? "bad" : "idle";
  const last = row.votes.at(-1);
  return (
    <details className="record">
      <summary>
        <span className={`st ${tone}`}>{say.decided[row.status] ?? humanize(row.status)}</span>
        <span className="grow cut">{headingOf(row)}</span>
        <span className="small muted">{[who(row), row.decided_at && clock(row.decided_at)].filter(Boolean).join(" · ")}</span>
      </summary>
      <dl className="args">
        {Object.entries(row.args).map(([name, value]) => <div key={name} className="pair"><dt>{humanize(name)}</dt><dd><Exact value={value} /></dd></div>)}
      </dl>
      {(row.message || last?.message) && <p className="note">{reveal(row.message || last!.message)}</p>}
      {effect && <p className="small muted">{say.effect[effect] ?? effect}</p>}
    </details>
  );
}

function who(row: Approval): string {
  const people = row.decided_by.map((user) => say.stead(user, row.votes.find((one) => one.user === user)?.behalf ?? ""));
  return people.length ? `${say.who} ${people.join(", ")}` : "";
}
