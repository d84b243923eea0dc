import { lazy, Suspense } from "react";
import { words } from "../words";

const Loaded = lazy(() => import("./Markdown"));

/** Markdown as elements; its parser is loaded when there is some to show. */
export function Markdown({ text }: { text: string }) {
  return <Suspense fallback={<p aria-busy="true" className="muted">{words.loading}</p>}><Loaded text={text} /></Suspense>;
}
