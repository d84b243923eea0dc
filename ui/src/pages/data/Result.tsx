import { download, fileName, reveal, toCsv } from "../../format";
import { words } from "../../words";
import { Plain } from "../parts/Plain";
import type { Done } from "./api";
import { Questions } from "./Questions";

const say = words.data;
const COLUMNS = [{ field: "row", label: "row" }, { field: "column", label: "column" }, { field: "value", label: "value" }, { field: "reason", label: "reason" }];

/** What came of loading: rows kept, rows left out and why, what can be asked now. */
export function Result({ result }: { result: Done }) {
  const count = (n: number) => n.toLocaleString("en-US");
  return (
    <div role="status">
      <p className="st ok">{say.loaded(reveal(result.file), count(result.kept), count(result.read))}</p>
      {result.notes.map((one) => <p key={one} className="note">{reveal(one)}</p>)}
      {result.rejected > 0 && (
        <>
          <h3>{say.leftOut(count(result.rejected))}</h3>
          <Plain caption={say.leftOut(count(result.rejected))} head={say.leftOutHead} rows={result.rejections.map((one) => [reveal(one.reason), count(one.count), <span className="mono">{reveal(one.example)}</span>])} />
          <button className="link small" onClick={() => download(fileName(`${result.file} left out`, "csv"), "text/csv", toCsv(COLUMNS, result.rejects.map((one) => ({ ...one }))))}>{say.leftOutCsv}</button>
        </>
      )}
      <h3>{say.questions}</h3>
      <Questions list={result.answers} />
    </div>
  );
}
