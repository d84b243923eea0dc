import { useEffect } from "react";
import { clock } from "../format";
import type { PaneProps } from "../shell/Aside";
import { words } from "../words";

/** The thread's checkpoints, the newest first; any of them can be looked at, and gone on from. */
export default function HistoryPane({ thread, store }: PaneProps) {
  const now = thread.state?.checkpoint?.checkpoint_id;
  useEffect(() => void store.readHistory(), [store, thread.at ? "" : now]);
  if (!thread.history) return <p className="muted" aria-busy="true">{words.history.load}</p>;
  return (
    <section>
      <h3>{words.history.title}</h3>
      <ul className="plainlist">
        {thread.history.map((one, at) => {
          const id = one.checkpoint?.checkpoint_id ?? "";
          return (
            <li key={id}>
              <span className="muted">{one.metadata?.step}</span>
              <span className="grow">{words.history.points[one.values.status ?? ""] ?? one.values.status ?? "–"} <span className="small muted">{one.next.length ? `${words.history.nodes} ${one.next.map((node) => words.history.steps[node] ?? node).join(", ")}` : words.history.end}</span></span>
              <span className="small muted">{one.created_at ? clock(one.created_at) : ""}</span>
              <button className="link" aria-current={id === now} onClick={() => void store.look(at === 0 ? null : id)}>{words.history.look}</button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
