import { useEffect, useRef, useState } from "react";
import type { Citation, Records } from "../api/types";
import { humanize, reveal } from "../format";
import type { PaneProps } from "../shell/Aside";
import { words } from "../words";
import { Opened, placeOf } from "./Opened";

const say = words.evidence;

/** Where a figure comes from: the records behind it, the call that made it, and how. */
export default function EvidencePane({ thread, cited: looked, cite }: PaneProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [looked]);
  const cited = looked?.citation;
  const answer = looked?.answer ?? thread.state?.values.answer;
  const execution = looked?.execution ?? thread.execution?.id ?? "";
  const all = answer?.citations ?? [];
  return (
    <>
      {cited ? (
        <section className="ev">
          <h3 ref={heading} tabIndex={-1}><span className="cite">{cited.n}</span> {reveal(cited.label)}</h3>
          <dl>
            <dt>{say.figure}</dt><dd><b>{reveal(cited.shown)}</b></dd>
            <dt>{say.scope}</dt><dd>{reveal(cited.scope)}</dd>
            <dt>{say.asOf}</dt><dd>{reveal(cited.as_of)}</dd>
            <dt>{say.tool}</dt><dd><span className="mono">{cited.tool}</span>, {humanize(cited.specialist)}</dd>
            <dt>{say.step}</dt><dd>{cited.step}</dd>
            <dt>{say.call}</dt><dd className="mono">{cited.call_id}</dd>
          </dl>
          {(cited.origins.length ? cited.origins : cited.records ? [{ records: cited.records, source: "" }] : []).map((one) => (
            <Keys key={`${execution} ${cited.ref} ${one.records.table}`} records={one.records} source={one.source} cited={cited} execution={execution} />
          ))}
          {cited.query && <><h4>{say.query}</h4><pre className="mono" tabIndex={0} role="region" aria-label={say.query}>{reveal(cited.query)}</pre></>}
        </section>
      ) : <p className="muted">{say.none}</p>}
      {all.length > 0 && (
        <section>
          <h3>{say.all}</h3>
          <ul className="plainlist">
            {all.map((one) => (
              <li key={one.n}><button className="cite" aria-label={words.report.source(one.n)} onClick={() => cite({ citation: one, answer: answer!, execution })}>{one.n}</button><span className="grow">{reveal(one.label)}</span><b>{reveal(one.shown)}</b></li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Keys({ records, source, cited, execution }: { records: Records; source: string; cited: Citation; execution: string }) {
  const [open, setOpen] = useState(false);
  const count = records.count.toLocaleString("en-US");
  return (
    <div>
      <h4>{say.keys(count, records.table)}</h4>
      {source && <p className="small muted">{say.source}: {reveal(source)}</p>}
      <span className="mono keys" tabIndex={0} role="region" aria-label={say.records}>{reveal(records.keys)}</span>
      {execution && placeOf(cited.ref) && <button className="link" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? say.close : say.open(records.count, count)}</button>}
      {open && <Opened execution={execution} cited={cited} table={records.table} />}
    </div>
  );
}
