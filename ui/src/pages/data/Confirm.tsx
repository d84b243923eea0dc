import { useState } from "react";
import { reveal } from "../../format";
import { words } from "../../words";
import { Plain } from "../parts/Plain";
import type { FileColumn, Mapping, Open, Proposal } from "./api";
import { Questions } from "./Questions";

const say = words.data;

interface Given {
  proposal: Proposal;
  busy: boolean;
  /** Goals are being worked on: loading has to be asked for all the same. */
  held: boolean;
  change(mapping: Mapping): void;
  load(mapping: Mapping, replace: boolean, meanwhile: boolean): void;
}

/** How a file will be read: column by column, with what is still to be said. */
export function Confirm({ proposal, busy, held, change, load }: Given) {
  const [replace, setReplace] = useState(false);
  const [meanwhile, setMeanwhile] = useState(false);
  const { mapping, targets } = proposal;
  const map = (column: string, name: string) => {
    const columns = Object.fromEntries(Object.entries(mapping.columns).filter(([own, at]) => at.column !== column && own !== name));
    // "unclear" has the service find out the format from the cells, or ask for it
    const format = targets.find((one) => one.name === name)?.formats.length ? "unclear" : "";
    change({ ...mapping, columns: name ? { ...columns, [name]: { column, format } } : columns });
  };
  const reads = (name: string, format: string) => change({ ...mapping, columns: { ...mapping.columns, [name]: { ...mapping.columns[name]!, format } } });
  const ready = !proposal.questions.length && !proposal.lacking.length && (!proposal.conflict || replace);
  return (
    <div className="mapping" role="group" aria-label={say.mapping}>
      <p>
        <b>{reveal(proposal.file)}</b>: {say.rows(proposal.rows.toLocaleString("en-US"))}
        {proposal.sheet && `, ${say.sheet} ${reveal(proposal.sheet)}`}. {proposal.remembered ? say.asBefore : say.check}
      </p>
      <Plain
        caption={say.mapping}
        head={say.mappingHead}
        rows={proposal.columns.map((one) => [
          <b>{reveal(one.column)}</b>,
          <span className="small muted">{reveal(one.sample)}</span>,
          <Target column={one} proposal={proposal} map={map} />,
          <Format column={one} proposal={proposal} reads={reads} />,
        ])}
      />
      {proposal.questions.map((one) => <Ask key={`${one.kind}${one.name}`} open={one} format={reads} rate={(value) => change({ ...mapping, rates: { ...mapping.rates, [one.name]: value } })} />)}
      {proposal.lacking.length > 0 && <p className="alert warn" role="status">{say.lacking(proposal.lacking.join(", "))}</p>}
      <h3>{say.willAnswer}</h3>
      <Questions list={proposal.answers} ask={false} />
      {proposal.conflict && (
        <label className="alert warn"><input type="checkbox" checked={replace} onChange={(event) => setReplace(event.target.checked)} /><span>{reveal(proposal.conflict)}. {say.replace}</span></label>
      )}
      {held && <label className="alert warn"><input type="checkbox" checked={meanwhile} onChange={(event) => setMeanwhile(event.target.checked)} /><span>{say.meanwhile}</span></label>}
      <div className="actions"><button className="btn primary" disabled={!ready || busy || (held && !meanwhile)} onClick={() => load(mapping, replace, meanwhile)}>{say.load}</button></div>
    </div>
  );
}

function Target({ column, proposal, map }: { column: FileColumn; proposal: Proposal; map(column: string, name: string): void }) {
  const sure = column.name ? (column.confidence >= 0.9 ? "" : say.unsure) : "";
  return (
    <>
      <select className="field" aria-label={say.isWhat(column.column)} value={column.name ?? ""} onChange={(event) => map(column.column, event.target.value)}>
        <option value="">{say.leaveOut}</option>
        {proposal.targets.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
      </select>
      {sure && <span className="st wait small">{sure}</span>}
    </>
  );
}

function Format({ column, proposal, reads }: { column: FileColumn; proposal: Proposal; reads(name: string, format: string): void }) {
  const formats = proposal.targets.find((one) => one.name === column.name)?.formats ?? [];
  const now = column.name ? proposal.mapping.columns[column.name]?.format : undefined;
  if (!column.name || !formats.length || now === undefined) return null;
  return (
    <select className="field" aria-label={say.readHow(column.column)} value={now} onChange={(event) => reads(column.name!, event.target.value)}>
      {now === "unclear" && <option value="unclear">{say.formats.unclear}</option>}
      {formats.map((one) => <option key={one} value={one}>{say.formats[one] ?? one}</option>)}
    </select>
  );
}

/** One thing that only a person knows. */
function Ask({ open, format, rate }: { open: Open; format(name: string, value: string): void; rate(value: string): void }) {
  const [typed, type] = useState("");
  return (
    <div className="alert warn" role="group" aria-label={reveal(open.text)}>
      <span className="grow">{reveal(open.text)}</span>
      {open.kind === "format" ? open.choices.map((one) => <button key={one} className="btn" onClick={() => format(open.name, one)}>{say.formats[one] ?? one}</button>) : (
        <form className="row" onSubmit={(event) => (event.preventDefault(), rate(typed))}>
          <input className="field" inputMode="decimal" aria-label={say.rate(open.name)} value={typed} onChange={(event) => type(event.target.value)} />
          <button className="btn" disabled={!(Number(typed) > 0)}>{say.set}</button>
        </form>
      )}
    </div>
  );
}
