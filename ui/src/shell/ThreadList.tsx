import type { ListedThread } from "../api/types";
import { ago, reveal } from "../format";
import { useStore } from "../state/store";
import { seek, showMore, threads } from "../state/threads";
import { words } from "../words";
import { Skeleton } from "./Skeleton";
import { Status, standing } from "./status";

const GROUPS = { wait: words.groups.needs, run: words.groups.running, rest: words.groups.earlier };

/** All goals, those that wait for this person first. `current`: the one that is open. */
export function ThreadList({ current }: { current: string | null }) {
  const { rows, more, sought, problem } = useStore(threads);
  const groups = Map.groupBy(rows ?? [], (row) => (row.status === "needs_you" ? "wait" : ["running", "waiting"].includes(row.status) ? "run" : "rest"));
  return (
    <>
      <input className="field find" type="search" aria-label={words.search} placeholder={words.search} value={sought} onChange={(event) => seek(event.target.value)} />
      <div className="threads" tabIndex={0} role="region" aria-label={words.nav.open} aria-busy={rows === null}>
        {rows === null && !problem && <Skeleton />}
        {problem && <p className="small muted">{problem.title}</p>}
        {rows?.length === 0 && sought && <p className="small muted">{words.nothingFound}</p>}
        {(["wait", "run", "rest"] as const).map((name) => groups.has(name) && (
          <section key={name}>
            <h2>{GROUPS[name]} · {groups.get(name)!.length}{name === "rest" && more ? "+" : ""}</h2>
            <ul>{groups.get(name)!.map((row) => <li key={row.thread_id}><Row row={row} current={row.thread_id === current} /></li>)}</ul>
          </section>
        ))}
        {more && <button className="link small more" onClick={showMore}>{words.showMore}</button>}
      </div>
    </>
  );
}

function Row({ row, current }: { row: ListedThread; current: boolean }) {
  const title = row.title ? reveal(row.title) : `${words.untitled} (${row.thread_id.slice(0, 8)})`;
  return (
    <a className="thread" href={`#/t/${row.thread_id}`} aria-current={current ? "page" : undefined}>
      <b title={title}>{title}</b>
      <span className="row small"><Status {...standing(row)} /><span className="right muted">{ago(row.updated_at)}</span></span>
    </a>
  );
}
