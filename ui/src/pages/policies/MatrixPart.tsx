import { useState } from "react";
import { policies } from "../../api/governance";
import { humanize } from "../../format";
import { words } from "../../words";
import { Choice, Labelled, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";
import { Outcome } from "./Outcome";

const say = words.policies;

/** What comes of each tool for each specialist and role; each leads to the explanation. */
export function MatrixPart() {
  const [tainted, taint] = useState(false);
  const [agent, choose] = useState("");
  const [only, show] = useState("");
  const [role, play] = useState("");
  const [tool, seek] = useState("");
  const { data, problem, loading, again } = useAsked(() => policies.matrix(tainted), [tainted]);
  if (!data) return <Waiting problem={problem} again={again} />;
  const roles = data.roles.filter((one) => !role || one === role);
  const fits = (name: string) => name.includes(tool.trim().toLowerCase().replaceAll(" ", "_"));
  const rows = data.rows.filter((row) => fits(row.tool) && (!agent || row.agent === agent) && (!only || roles.some((one) => row.outcomes[one] === only)));
  const agents = [...new Set(data.rows.map((row) => row.agent))];
  return (
    <>
      <form className="filters" onSubmit={(event) => event.preventDefault()}>
        <Labelled label={say.tool}><input className="field" type="search" value={tool} onChange={(event) => seek(event.target.value)} /></Labelled>
        <Choice label={say.agent} value={agent} any={words.audit.any} options={agents.map((name) => [name, humanize(name)])} choose={choose} />
        <Choice label={say.role} value={role} any={words.audit.any} options={data.roles.map((name) => [name, name])} choose={play} />
        <Choice label={say.outcome} value={only} any={words.audit.any} options={Object.entries(say.outcomes)} choose={show} />
        <label className="check"><input type="checkbox" checked={tainted} onChange={(event) => taint(event.target.checked)} />{say.tainted}</label>
      </form>
      <div className="wide" tabIndex={0} role="region" aria-label={say.parts.matrix} aria-busy={loading}>
        <table className="rows matrix">
          <caption className="small muted">{say.caption(rows.length)}</caption>
          <thead><tr><th scope="col">{say.tool}</th><th scope="col">{say.agent}</th>{roles.map((one) => <th key={one} scope="col">{one}</th>)}</tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.agent} ${row.tool}`}>
                <th scope="row"><a className="mono" href={`#/policies/explain/${row.tool}/${row.agent}`}>{row.tool}</a></th>
                <td>{humanize(row.agent)}</td>
                {roles.map((one) => <td key={one}><Outcome outcome={row.outcomes[one] ?? ""} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
