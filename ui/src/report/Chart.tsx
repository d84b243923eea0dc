import { lazy, Suspense, useId } from "react";
import type { ChartData } from "../api/types";
import { Legend, Patterns } from "../charts/Legend";
import type { ChartSpec } from "../charts/spec";
import { download, fileName, NUMERIC, reveal, show, toCsv } from "../format";
import { Skeleton } from "../shell/Skeleton";
import { words } from "../words";

const Plotted = lazy(() => import("../charts/Plotted"));
const say = words.report;

/** A chart with its title, its population and dates, and its data as a table and as CSV. */
export function Chart({ chart }: { chart: ChartData }) {
  const spec = chart.spec as unknown as ChartSpec;
  const patterns = `fill${useId().replace(/\W/g, "")}`;
  const { columns, rows } = spec;
  const more = rows.length < spec.total_rows ? `, ${say.rows(rows.length, spec.total_rows)}` : "";
  return (
    <figure className="table drawing">
      <figcaption className="small muted"><b>{reveal(chart.caption)}</b>{more}: {reveal(spec.scope)}; {reveal(spec.as_of)}.</figcaption>
      <Patterns id={patterns} />
      <Legend spec={spec} patterns={patterns} />
      <Suspense fallback={<Skeleton />}><Plotted spec={spec} patterns={patterns} /></Suspense>
      <div className="under">
        <details>
          <summary>{say.data}</summary>
          <div className="wide" tabIndex={0} role="region" aria-label={say.data}>
            <table>
              <thead><tr>{columns.map((one) => <th key={one.field} scope="col" className={NUMERIC.has(one.unit ?? "text") ? "n" : ""}>{reveal(one.label)}</th>)}</tr></thead>
              <tbody>{rows.map((row, at) => <tr key={at}>{columns.map((one) => <td key={one.field} className={NUMERIC.has(one.unit ?? "text") ? "n" : ""}>{reveal(show(row[one.field], one.unit))}</td>)}</tr>)}</tbody>
            </table>
          </div>
        </details>
        <button className="link small" aria-label={`${chart.caption}, ${say.csv}`} onClick={() => download(fileName(chart.caption, "csv"), "text/csv", toCsv(columns, rows))}>{say.csv}</button>
      </div>
    </figure>
  );
}
