import { useEffect, useState } from "react";
import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import type { Citation, Opened as Page } from "../api/types";
import { NUMERIC, reveal, show } from "../format";
import { Alert } from "../shell/Alert";
import { Skeleton } from "../shell/Skeleton";
import { words } from "../words";

const say = words.evidence;
const PLACE = /^([^.]+\.[^.]+)\.(?:figures\.(\w+)|rows\[(\d+)\])/;

/** The product that a reference is into, and the row or figure: `s6.risk_scores.rows[3].score` → s6.risk_scores, row 3. */
export function placeOf(ref: string): Record<string, string> | null {
  const found = PLACE.exec(ref);
  if (!found) return null;
  return { product: found[1]!, ...(found[2] ? { figure: found[2] } : { row: found[3]! }) };
}

/** The records behind a figure, as they are on record now, page by page; and what the ledger says of the call that read them. */
export function Opened({ execution, cited, table }: { execution: string; cited: Citation; table: string }) {
  const [page, setPage] = useState<Page | null>(null);
  const [offset, setOffset] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const place = placeOf(cited.ref);
  useEffect(() => {
    if (!place) return;
    let late = false;
    api.records(execution, { ...place, table, offset: String(offset) }).then((answer) => late || setPage(answer), (error: unknown) => late || setProblem(problemOf(error)));
    return () => void (late = true);
  }, [execution, cited.ref, table, offset]);
  if (problem) return <Alert problem={problem} />;
  if (!page) return <Skeleton />;
  if (page.masked) return <p className="muted">{say.masked}</p>;
  const first = offset + 1;
  return (
    <>
      {page.changed && <p className="note">{say.changed}</p>}
      {page.gone > 0 && <p className="note bad">{say.gone(page.gone)}</p>}
      <div className="wide opened" tabIndex={0} role="region" aria-label={say.recordsOf(page.table)}>
        <table>
          <thead><tr>{page.columns.map((one) => <th key={one.field} scope="col" className={NUMERIC.has(one.unit ?? "text") ? "n" : ""}>{one.label}</th>)}</tr></thead>
          <tbody>
            {page.rows.map((row) => (
              <tr key={String(row[page.key])}>{page.columns.map((one) => <td key={one.field} className={NUMERIC.has(one.unit ?? "text") ? "n" : ""}>{reveal(show(row[one.field], one.unit))}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="row small muted">
        <span className="grow">{say.shown(first, offset + page.rows.length, page.count)}</span>
        {offset > 0 && <button className="link" onClick={() => setOffset(Math.max(0, offset - 100))}>{say.before}</button>}
        {page.next !== null && <button className="link" onClick={() => setOffset(page.next!)}>{say.next}</button>}
      </p>
      {page.called?.hash && (
        <p className="small muted">{say.proved(page.called.seq ?? 0)} <a href={`#/audit/${execution}`}>{say.ledger}</a><br /><span className="mono keys">{page.called.digest}</span></p>
      )}
    </>
  );
}
