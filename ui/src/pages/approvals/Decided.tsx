import { useState } from "react";
import { approvals } from "../../api/governance";
import { headingOf } from "../../approval/ApprovalCard";
import { Record } from "../../approval/Record";
import { words } from "../../words";
import { Choice, Labelled, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";

const say = words.inbox;

/** The newest decisions: what was asked, who decided how and when, what came of it. A record, nothing of it can be changed. */
export function Decided() {
  const { data, problem, again } = useAsked(approvals.decided, []);
  const [status, choose] = useState("");
  const [sought, seek] = useState("");
  if (!data) return <Waiting problem={problem} again={again} />;
  const found = data.filter((row) => (!status || row.status === status) && `${headingOf(row)} ${row.decided_by.join(" ")} ${row.requester}`.toLowerCase().includes(sought.trim().toLowerCase()));
  const there = [...new Set(data.map((row) => row.status))];
  return (
    <>
      <form className="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice label={say.ended} value={status} any={words.audit.any} options={there.map((one) => [one, words.approval.decided[one] ?? one])} choose={choose} />
        <Labelled label={say.search}><input className="field" type="search" value={sought} onChange={(event) => seek(event.target.value)} /></Labelled>
      </form>
      {found.length === 0 ? <p className="muted">{say.noneDecided}</p> : <section className="records" aria-label={say.parts.decided}>{found.map((row) => <Record key={row.id} row={row} />)}</section>}
    </>
  );
}
