import { useMemo } from "react";
import type { Answer, Citation, Cited, Sentence } from "../api/types";
import { reveal } from "../format";
import { words } from "../words";
import { Chart } from "./Chart";
import { SortedTable } from "./Table";

const say = words.report;
interface Given {
  answer: Answer;
  /** Whose figures they are. */
  execution: string;
  cite(cited: Cited): void;
}

/** The answer: its claims with the sources of every figure, tables, charts, and all that limits it. */
export function Report({ answer, execution, cite: show }: Given) {
  const sources = useMemo(() => new Map(answer.citations.map((one) => [one.n, one])), [answer]);
  const cite = (citation: Citation) => show({ citation, answer, execution });
  return (
    <article className="report" aria-label={answer.title}>
      <h2>{reveal(answer.title)}</h2>
      {answer.status !== "complete" && <p className="note bad">{answer.status === "partial" ? say.partial : say.failed}</p>}
      <Lines title={say.undecided} lines={answer.undecided} />
      <Lines title={say.missing} lines={answer.missing} />
      {answer.sections.map((section) => (
        <section key={section.heading}>
          <h3>{reveal(section.heading)}</h3>
          {section.sentences.length > 0 && <ul>{section.sentences.map((one, at) => <li key={at}><Said sentence={one} sources={sources} cite={cite} /></li>)}</ul>}
          {section.charts.map((chart) => <Chart key={chart.caption} chart={chart} />)}
          {section.tables.map((table) => <SortedTable key={table.caption + table.source} table={table} />)}
        </section>
      ))}
      <Lines title={say.issues} lines={answer.issues} />
      <Lines title={say.caveats} lines={answer.caveats} />
      <p className="small muted">{say.made(answer.model, answer.made_on)}</p>
    </article>
  );
}

function Said({ sentence, sources, cite }: { sentence: Sentence; sources: Map<number, Citation>; cite(citation: Citation): void }) {
  return (
    <>
      {reveal(sentence.text)}{" "}
      {sentence.citations.map((n) => {
        const source = sources.get(n);
        return source && <button key={n} className="cite" aria-label={say.source(n)} title={`${source.label}: ${source.shown}`} onClick={() => cite(source)}>{n}</button>;
      })}
      {say.kinds[sentence.kind] && <span className="small muted"> ({say.kinds[sentence.kind]})</span>}
      {sentence.flagged && <strong className="flag"> {say.flagged} {reveal(sentence.flagged)}</strong>}
    </>
  );
}

function Lines({ title, lines }: { title: string; lines: string[] }) {
  if (!lines.length) return null;
  return <section className="lines"><h3>{title}</h3><ul>{lines.map((one, at) => <li key={at}>{reveal(one)}</li>)}</ul></section>;
}
