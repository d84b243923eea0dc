import * as Plot from "@observablehq/plot";
import { type Canvas, type ChartSpec, colour, cut, DASHES, names, number, short, SYMBOLS, unitOf, valueLabel } from "./spec";

interface Point { at: number; value: number | null; title: string }

/** Lines over years, dates or categories in their order; a missing value is a gap, and no line goes through it. */
export function lines(spec: ChartSpec, { width }: Canvas): Plot.PlotOptions {
  const name = names(spec);
  const unit = unitOf(spec);
  const most = Math.max(...name.map((one) => one.length), 1);
  const every = Math.max(1, Math.ceil((name.length * Math.min(most, 12) * 7 + 12) / Math.max(120, width - 80)));
  const values = spec.series.flatMap((one) => one.values.map(number)).filter((one) => one !== null);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values) || 1;
  return {
    width, height: Math.min(300, Math.max(220, width * 0.45)), marginLeft: 56, marginRight: 20, marginBottom: 40, marginTop: 24,
    x: { domain: [0, Math.max(1, name.length - 1)] },
    y: { domain: [low, high * 1.08] },
    marks: [
      Plot.gridY({ stroke: "currentColor", strokeOpacity: 0.14, ticks: 5 }),
      Plot.ruleY([0], { strokeOpacity: 0.5 }),
      ...spec.series.flatMap((one, series) => {
        const points: Point[] = one.values.map((value, at) => {
          const known = number(value);
          return { at, value: known, title: `${name[at]}\n${one.label}: ${known === null ? "–" : short(known, one.unit)}` };
        });
        const place = { x: "at", y: "value" } as const;
        return [
          Plot.line(points, { ...place, stroke: colour(series), strokeWidth: 2, strokeDasharray: DASHES[series % 8] || "none" }),
          Plot.dot(points, { ...place, fill: colour(series), symbol: SYMBOLS[series % 8], r: 4, title: "title" }),
        ];
      }),
      Plot.axisX(name.map((_, at) => at).filter((at) => at % every === 0), { tickFormat: (at: number) => cut(name[at] ?? "", 12), tickSize: 0, label: spec.x.label, labelArrow: "none", labelAnchor: "center" }),
      Plot.axisY({ ticks: 5, tickFormat: (at: number) => short(at, unit), tickSize: 0, label: valueLabel(spec), labelArrow: "none" }),
    ],
  };
}
