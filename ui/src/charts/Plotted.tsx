import * as Plot from "@observablehq/plot";
import { useEffect, useRef, useState } from "react";
import { bars } from "./bars";
import { cells } from "./cells";
import { dots } from "./dots";
import { lines } from "./lines";
import { type Canvas, type ChartSpec, type ChartType, describe } from "./spec";

const DRAWN: Record<ChartType, (spec: ChartSpec, canvas: Canvas) => Plot.PlotOptions> = { bar: bars, stacked_bar: bars, line: lines, heatmap: cells, scatter: dots };
// Plot puts a <style> into what it draws, which the page's policy forbids: it draws in a document of its own, and the style stays there.
const aside = document.implementation.createHTMLDocument("");

/** The picture of a chart, drawn again whenever the room for it changes. Loaded when there is one to show. */
export default function Plotted({ spec, patterns }: { spec: ChartSpec; patterns: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([one]) => setWidth(Math.round(one!.contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (!width) return;
    const picture = Plot.plot({ ...DRAWN[spec.type](spec, { width, patterns }), document: aside, ariaLabel: describe(spec), style: { background: "none", fontSize: "12px" } });
    picture.querySelector("style")?.remove();
    // One image with one description: its parts have none of their own.
    for (const part of picture.querySelectorAll("[aria-label]")) (part.setAttribute("data-mark", part.getAttribute("aria-label")!), part.removeAttribute("aria-label"));
    picture.setAttribute("role", "img");
    picture.setAttribute("class", "picture");
    box.current!.replaceChildren(document.adoptNode(picture));
  }, [spec, patterns, width]);
  return <div className="plot" ref={box} tabIndex={0} role="region" aria-label={spec.title} />;
}
