import { useState } from "react";
import { approvals } from "../../api/governance";
import type { Approval } from "../../api/types";
import { ApprovalCard, headingOf, Late } from "../../approval/ApprovalCard";
import { Record } from "../../approval/Record";
import { reveal } from "../../format";
import { inbox } from "../../state/inbox";
import { useStore } from "../../state/store";
import { threadsChanged } from "../../state/threads";
import { who } from "../../state/who";
import { words } from "../../words";
import { Labelled } from "../parts/Page";
import { useAsked } from "../../state/useAsked";

const say = words.inbox;

/** What waits, the first to expire first; one is open, the others in a line. `mine`: only what this person may decide. */
export function Open({ mine }: { mine: boolean }) {
  const { ready, open } = useStore(inbox);
  const { served } = useStore(who);
  const lent = useAsked(approvals.delegations, []).data;
  const [decided, setDecided] = useState<Approval[]>([]);
  const [late, setLate] = useState<Approval | null>(null);
  const [sought, seek] = useState("");
  const [chosen, choose] = useState<string | null>(null);
  const me = served?.person;
  const theirs = (row: Approval) => {
    const roles = [...(me?.roles ?? []), ...(lent ?? []).filter((one) => one.taker === me?.user && (!one.tool || one.tool === row.tool)).map((one) => one.role)];
    return row.approvers.some((role) => roles.includes(role));
  };
  const fits = (row: Approval) => `${headingOf(row)} ${row.requester} ${row.agent} ${row.user_request}`.toLowerCase().includes(sought.trim().toLowerCase());
  const waiting = Object.values(open).filter((row) => !decided.some((one) => one.id === row.id)).sort((a, b) => a.expires_at.localeCompare(b.expires_at));
  const rows = waiting.filter((row) => fits(row) && (!mine || theirs(row)));
  const now = rows.find((row) => row.id === chosen) ?? rows[0];
  const done = (row: Approval, after: boolean) => {
    setLate(after ? row : null);
    if (row.status !== "pending") setDecided((before) => [row, ...before.filter((one) => one.id !== row.id)]);
    threadsChanged();
  };
  return (
    <>
      {late && <Late row={late} dismiss={() => setLate(null)} />}
      {!ready && <p className="muted" aria-busy="true">{say.loading}</p>}
      {waiting.length > 3 && <form className="filters" onSubmit={(event) => event.preventDefault()}><Labelled label={say.search}><input className="field" type="search" value={sought} onChange={(event) => seek(event.target.value)} /></Labelled></form>}
      {ready && rows.length === 0 && <p className="muted">{mine && waiting.length ? say.noneMine(waiting.length) : say.none}</p>}
      <div className="queue">
        {rows.map((row) => row === now ? (
          <div key={row.id} className="asks">
            <ApprovalCard approval={row} progress="" done={done} refresh={threadsChanged} />
            {row.thread_id && <a className="small cut" href={`#/t/${row.thread_id}`}>{say.open}: {reveal(row.user_request)}</a>}
          </div>
        ) : (
          <button key={row.id} className="queued" onClick={() => choose(row.id)}><span className="st wait">{headingOf(row)}</span><span className="small muted">{words.approval.by(row.agent, row.requester)}</span></button>
        ))}
      </div>
      {decided.length > 0 && <section className="records"><h3>{say.justNow}</h3>{decided.map((row) => <Record key={row.id} row={row} />)}</section>}
    </>
  );
}
