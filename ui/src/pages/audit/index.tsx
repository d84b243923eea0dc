import { useEffect, useState } from "react";
import { audit, type Asked, type LedgerEntry } from "../../api/governance";
import { problemOf, type Problem } from "../../api/problem";
import { download } from "../../format";
import { Alert } from "../../shell/Alert";
import { words } from "../../words";
import { Choice, Labelled, PageHead, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";
import { EntryRow } from "./EntryRow";
import { Verified } from "./Verified";

const say = words.audit;
const NONE: Asked = { execution_id: "", phase: "", outcome: "", tool: "", user: "", since: "", until: "" };

interface Older { after: unknown; rows: LedgerEntry[]; next: number | null }

/** Days are the reader's: they begin at midnight where they are. */
const midnight = (day: string) => (day ? new Date(`${day}T00:00`).toISOString() : "");
const sent = (asked: Asked): Asked => ({ ...asked, since: midnight(asked.since), until: midnight(asked.until) });

/** The ledger: what was planned, decided, done, by whom; whether it holds; and it to take away. `#/audit/<execution>`: of one run. */
export default function Audit({ rest }: { rest: string[] }) {
  const run = rest[0] ?? "";
  const [typed, type] = useState<Asked>({ ...NONE, execution_id: run });
  const [asked, ask] = useState(typed);
  useEffect(() => {
    const next = { ...NONE, execution_id: run };
    type(next);
    ask(next);
  }, [run]);
  const first = useAsked(() => audit.entries(sent(asked)), [asked]);
  const [older, setOlder] = useState<Older | null>(null);
  const more = older && older.after === first.data ? older : null; // of another filter, it came too late
  const [problem, setProblem] = useState<Problem | null>(null);
  const tried = (work: () => Promise<void>) => void work().then(() => setProblem(null), (error: unknown) => setProblem(problemOf(error)));
  const next = more ? more.next : (first.data?.next ?? null);
  const rows = [...(first.data?.records ?? []), ...(more?.rows ?? [])];
  const readOlder = () => tried(async () => {
    const after = first.data;
    const page = await audit.entries(sent(asked), next!);
    setOlder({ after, rows: [...(more?.rows ?? []), ...page.records], next: page.next });
  });
  const set = (part: Partial<Asked>) => type({ ...typed, ...part });
  const choose = (part: Partial<Asked>) => (set(part), ask({ ...typed, ...part }));
  const one = asked.execution_id;
  return (
    <>
      <PageHead title={words.pages.audit!} about={say.about}>
        <button className="btn" onClick={() => tried(async () => download("clearance-heads.json", "application/json", await audit.heads()))}>{say.heads}</button>
      </PageHead>
      <Verified />
      <form className="filters" onSubmit={(event) => (event.preventDefault(), ask(typed))}>
        <Choice label={say.kind} value={typed.phase} any={say.any} options={Object.entries(say.phases)} choose={(phase) => choose({ phase })} />
        <Choice label={say.outcome} value={typed.outcome} any={say.any} options={Object.entries(say.outcomes)} choose={(outcome) => choose({ outcome })} />
        <Labelled label={say.person}><input className="field" value={typed.user} onChange={(event) => set({ user: event.target.value.trim() })} /></Labelled>
        <Labelled label={say.tool}><input className="field mono" value={typed.tool} onChange={(event) => set({ tool: event.target.value.trim() })} /></Labelled>
        <Labelled label={say.execution}><input className="field mono" value={typed.execution_id} onChange={(event) => set({ execution_id: event.target.value.trim() })} /></Labelled>
        <Labelled label={say.since}><input className="field" type="date" value={typed.since} onChange={(event) => choose({ since: event.target.value })} /></Labelled>
        <Labelled label={say.until}><input className="field" type="date" value={typed.until} onChange={(event) => choose({ until: event.target.value })} /></Labelled>
        <div className="actions">
          <button className="btn">{say.filter}</button>
          {JSON.stringify(asked) !== JSON.stringify(NONE) && <a className="btn" href="#/audit" onClick={() => (type(NONE), ask(NONE))}>{say.clear}</a>}
        </div>
      </form>
      {problem && <Alert problem={problem} />}
      {one && rows.length > 0 && (
        <div className="actions">
          <span className="small muted">{say.run(one)}</span>
          <button className="btn" onClick={() => tried(async () => download(`audit-${one}.json`, "application/json", await audit.bundle(one)))}>{say.bundle}</button>
          <button className="btn" onClick={() => tried(async () => download(`events-${one}.json`, "application/json", await audit.events(one)))}>{say.events}</button>
        </div>
      )}
      {!first.data ? <Waiting problem={first.problem} again={first.again} /> : (
        <section aria-label={say.entries} aria-busy={first.loading}>
          {first.problem && <Alert problem={first.problem} />}
          {rows.length === 0 ? <p className="muted">{next === null ? say.none : say.looked}</p> : (
            <div className="wide" tabIndex={0} role="region" aria-label={say.entries}>
              <table className="rows">
                <thead><tr><th scope="col">{say.at}</th><th scope="col">{say.kind}</th><th scope="col">{say.what}</th><th scope="col">{say.outcome}</th><th scope="col">{say.person}</th><th scope="col" className="n">{say.place}</th></tr></thead>
                <tbody>{rows.map((row) => <EntryRow key={row.seq} row={row} />)}</tbody>
              </table>
            </div>
          )}
          {next !== null && <button className="btn" onClick={readOlder}>{say.older}</button>}
        </section>
      )}
    </>
  );
}
