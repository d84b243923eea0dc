import { type KeyboardEvent, lazy, Suspense } from "react";
import type { Cited } from "../api/types";
import type { Thread, ThreadStore } from "../state/thread";
import { words } from "../words";

const panes = {
  plan: lazy(() => import("../plan/PlanPane")),
  specialists: lazy(() => import("../specialists/Lanes")),
  evidence: lazy(() => import("../evidence/EvidencePane")),
  files: lazy(() => import("../files/FilesPane")),
  history: lazy(() => import("../history/HistoryPane")),
};
export interface PaneProps { thread: Thread; store: ThreadStore; cited: Cited | null; cite(cited: Cited | null): void }
interface Given extends PaneProps { tab: string; setTab(tab: string): void; shown: boolean; close(): void }

/** The details beside a conversation; a sheet over it where there is no room. */
export function Aside({ tab, setTab, shown, close, ...rest }: Given) {
  const names = Object.keys(panes) as (keyof typeof panes)[];
  const Pane = panes[tab as keyof typeof panes];
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    const next = names[(names.indexOf(tab as keyof typeof panes) + by + names.length) % names.length]!;
    setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <aside className={shown ? "aside shown" : "aside"} aria-label={words.nav.aside} onKeyDown={(event) => event.key === "Escape" && close()}>
      <div className="tabs">
        <div role="tablist" aria-label={words.nav.aside} className="row" onKeyDown={move}>
          {names.map((name) => (
            <button key={name} id={`tab-${name}`} role="tab" aria-selected={tab === name} aria-controls="pane" tabIndex={tab === name ? 0 : -1} onClick={() => setTab(name)}>{words.tabs[name]}</button>
          ))}
        </div>
        <button className="only-narrow right close" aria-label={words.nav.close} onClick={close}>✕</button>
      </div>
      <div id="pane" className="pane" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        <Suspense fallback={<p aria-busy="true" className="muted">{words.loading}</p>}><Pane {...rest} /></Suspense>
      </div>
    </aside>
  );
}
