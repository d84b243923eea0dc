import { pages } from "../pages/registry";
import { inbox } from "../state/inbox";
import { useStore } from "../state/store";
import { words } from "../words";
import { ThreadList } from "./ThreadList";
import { Who } from "./Who";
import type { Route } from "./route";

export function Nav({ route, shown, close }: { route: Route; shown: boolean; close(): void }) {
  const { open } = useStore(inbox);
  const waiting = Object.values(open);
  return (
    <nav className={shown ? "nav shown" : "nav"} aria-label={words.nav.threads} onClick={(event) => (event.target as Element).closest("a") && close()}>
      <div className="brand">
        <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" aria-hidden="true">
          <path d="M12 21V11M6.5 15.5a8 8 0 0 1 0-9M17.5 15.5a8 8 0 0 0 0-9" />
          <circle cx="12" cy="9" r="1.6" fill="currentColor" />
        </svg>
        {words.product}
        <button className="btn right only-narrow only-phone" onClick={close}>{words.nav.close}</button>
      </div>
      <a className="new" href="#/">{words.newGoal}</a>
      <ThreadList current={route.kind === "thread" ? route.id : null} />
      <div className="pages">
        <ul>
          {pages.map((page) => (
            <li key={page.path}>
              <a href={`#/${page.path}`} aria-current={route.kind === "page" && route.name === page.path ? "page" : undefined}>
                {page.title}
                {page.path === "approvals" && waiting.length > 0 && <span className="right">{waiting.length}</span>}
              </a>
            </li>
          ))}
        </ul>
      </div>
      <Who />
    </nav>
  );
}
