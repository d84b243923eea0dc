import { useMemo, useState } from "react";
import type { TableData } from "../api/types";
import { download, fileName, NUMERIC, reveal, show, toCsv } from "../format";
import { words } from "../words";

const say = words.report;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** A table whose columns sort; what it holds of all rows, of what and of when is said above it. */
export function SortedTable({ table }: { table: TableData }) {
  const [by, setBy] = useState<{ field: string; down: boolean } | null>(null);
  const rows = useMemo(() => {
    if (!by) return table.rows;
    const column = table.columns.find((one) => one.field === by.field);
    const number = NUMERIC.has(column?.unit ?? "text");
    const sign = by.down ? -1 : 1;
    return [...table.rows].sort((a, b) => {
      const [x, y] = [a[by.field], b[by.field]];
      if (x === null || x === undefined) return 1;
      if (y === null || y === undefined) return -1;
      return sign * (number ? Number(x) - Number(y) : String(x).localeCompare(String(y)));
    });
  }, [table, by]);
  const more = table.rows.length < table.total_rows ? `, ${say.rows(table.rows.length, table.total_rows)}` : "";
  return (
    <figure className="table">
      <figcaption className="small muted"><b>{reveal(table.caption)}</b>{more}: {reveal(table.scope)}; {reveal(table.as_of)}. <button className="link" onClick={() => download(fileName(table.caption, "csv"), "text/csv", toCsv(table.columns, rows))}>{say.csv}</button></figcaption>
      <div className="wide" tabIndex={0} role="region" aria-label={table.caption}>
        <table>
          <thead>
            <tr>
              {table.columns.map((one) => {
                const mine = by?.field === one.field;
                return (
                  <th key={one.field} scope="col" className={NUMERIC.has(one.unit ?? "text") ? "n" : ""} aria-sort={mine ? (by.down ? "descending" : "ascending") : undefined}>
                    <button title={say.sort(one.label)} onClick={() => setBy(mine && !by.down ? null : { field: one.field, down: !mine })}>{reveal(one.label)}<span aria-hidden="true">{mine ? (by.down ? " ↓" : " ↑") : ""}</span></button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>{table.columns.map((one) => <td key={one.field} className={NUMERIC.has(one.unit ?? "text") ? "n" : DAY.test(String(row[one.field])) ? "d" : ""}>{reveal(show(row[one.field], one.unit))}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
