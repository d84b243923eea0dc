import type { ReactNode } from "react";
import { words } from "../../words";
import type { Read } from "../../state/useAsked";
import "../pages.css";
import { Waiting } from "./Page";

/** A table of a page. A column whose heading begins with `#` holds figures. */
export function Plain({ caption, head, rows, empty }: { caption: string; head: string[]; rows: ReactNode[][]; empty?: string }) {
  const figures = head.map((one) => one.startsWith("#"));
  if (!rows.length) return <p className="muted">{empty ?? words.none}</p>;
  return (
    <div className="wide" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="sr">{caption}</caption>
        <thead><tr>{head.map((one, at) => <th key={one} scope="col" className={figures[at] ? "n" : ""}>{one.replace(/^#/, "")}</th>)}</tr></thead>
        <tbody>{rows.map((row, at) => <tr key={at}>{row.map((cell, place) => <td key={place} className={figures[place] ? "n" : ""}>{cell}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

/** What was read, once it is there, and above it why it could not be read anew. */
export function Until<T>({ read, children }: { read: Read<T>; children(data: T): ReactNode }) {
  return (
    <>
      {(read.problem || read.data === null) && <Waiting problem={read.problem} again={read.again} />}
      {read.data !== null && children(read.data)}
    </>
  );
}

/** Figures of a page in a row, each with what it counts; one that has something behind it opens it. */
export function Figures({ items }: { items: { label: string; value: ReactNode; tone?: string; open?: (() => void) | undefined; pressed?: boolean }[] }) {
  return (
    <ul className="figures">
      {items.map(({ label, value, tone, open, pressed }) => {
        const body = <><b className={tone ?? ""}>{value}</b><span className="small muted">{label}</span></>;
        return <li key={label}>{open ? <button onClick={open} aria-expanded={pressed}>{body}</button> : <div>{body}</div>}</li>;
      })}
    </ul>
  );
}
