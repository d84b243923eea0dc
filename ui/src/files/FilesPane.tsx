import { download, fileName, toCsv } from "../format";
import type { PaneProps } from "../shell/Aside";
import { words } from "../words";

/** What of the answer can be taken along as files. */
export default function FilesPane({ thread }: PaneProps) {
  const tables = thread.state?.values.answer?.sections.flatMap((one) => one.tables) ?? [];
  if (!tables.length) return <p className="muted">{words.files.none}</p>;
  return (
    <section>
      <h3>{words.files.title}</h3>
      <ul className="plainlist">
        {tables.map((table) => (
          <li key={table.caption + table.source}><span className="grow">{table.caption}</span><button className="link" aria-label={`${table.caption}, ${words.report.csv}`} onClick={() => download(fileName(table.caption, "csv"), "text/csv", toCsv(table.columns, table.rows))}>{words.report.csv}</button></li>
        ))}
      </ul>
    </section>
  );
}
