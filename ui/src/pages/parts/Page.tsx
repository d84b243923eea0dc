import type { ReactNode } from "react";
import type { Problem } from "../../api/problem";
import { Alert } from "../../shell/Alert";
import { Skeleton } from "../../shell/Skeleton";
import { words } from "../../words";
import "../pages.css";

/** A page's head: what it is, in a line what for, and what can be done with all of it. */
export function PageHead({ title, about, children }: { title: string; about: string; children?: ReactNode }) {
  return (
    <header className="pagehead">
      <div className="grow"><h1>{title}</h1><p className="muted">{about}</p></div>
      {children && <div className="actions">{children}</div>}
    </header>
  );
}

/** The parts of a page, each with an address of its own. */
export function Parts({ path, names, now }: { path: string; names: Record<string, string>; now: string }) {
  return (
    <nav className="parts" aria-label={words.nav.parts}>
      {Object.entries(names).map(([name, title], at) => (
        <a key={name} href={at ? `#/${path}/${name}` : `#/${path}`} aria-current={name === now ? "page" : undefined}>{title}</a>
      ))}
    </nav>
  );
}

export function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return <label className="labelled"><span>{label}</span>{children}</label>;
}

/** A choice among names; "" is any. */
export function Choice({ label, value, options, any, choose }: { label: string; value: string; options: [string, string][]; any?: string; choose(value: string): void }) {
  return (
    <Labelled label={label}>
      <select className="field" value={value} onChange={(event) => choose(event.target.value)}>
        {any !== undefined && <option value="">{any}</option>}
        {options.map(([name, text]) => <option key={name} value={name}>{text}</option>)}
      </select>
    </Labelled>
  );
}

/** What is shown while something is read, and when it cannot be. */
export function Waiting({ problem, again }: { problem: Problem | null; again(): void }) {
  if (problem) return <Alert problem={problem} signIn><button className="btn right" onClick={again}>{words.again}</button></Alert>;
  return <Skeleton />;
}
