import { useState } from "react";
import { policies } from "../../api/governance";
import { humanize } from "../../format";
import { words } from "../../words";
import { Choice, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";
import { Outcome } from "./Outcome";

const say = words.policies;

/** What comes of each tool for each specialist and role; each leads to the explanation. */
export function MatrixPart() {
  const [tainted, taint] = useState(false);
  const [agent, choose] = useState("");
  const [only, show] = useState("");
  const { data, problem, loading, again } = useAsked(() => policies.matrix(tainted), [tainted]);
  if (!data) return <Waiting problem={problem} again={again} />;
  const rows = data.rows.filter((row) => (!agent || row.agent === agent) && (!only || Object.values(row.outcomes).includes(only)));
  const agents = [...new Set(data.rows.map((row) => row.agent))];
  return (
    <>
      <form className="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice label={say.agent} value={agent} any={words.audit.any} options={agents.map((name) => [name, humanize(name)])} choose={choose} />
        <Choice label={say.outcome} value={only} any={words.audit.any} options={Object.entries(say.outcomes)} choose={show} />
        <label className="check"><input type="checkbox" checked={tainted} onChange={(event) => taint(event.target.checked)} />{say.tainted}</label>
      </form>
      <div className="wide" tabIndex={0} role="region" aria-label={say.parts.matrix} aria-busy={loading}>
        <table className="rows matrix">
          <caption className="small muted">{say.caption(rows.length)}</caption>
          <thead><tr><th scope="col">{say.tool}</th><th scope="col">{say.agent}</th>{data.roles.map((role) => <th key={role} scope="col">{role}</th>)}</tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.agent} ${row.tool}`}>
                <th scope="row"><a className="mono" href={`#/policies/explain/${row.tool}/${row.agent}`}>{row.tool}</a></th>
                <td>{humanize(row.agent)}</td>
                {data.roles.map((role) => <td key={role}><Outcome outcome={row.outcomes[role] ?? ""} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
