import * as Plot from "@observablehq/plot";
import { reveal } from "../format";
import { type Canvas, type ChartSpec, cut, names, number, short, unitOf, widest } from "./spec";

const ROW = 28;
const COLUMN = 76; // pixels at the least
const SHADE = 50; // percent of the accent in the darkest cell: text stays readable on all of them

/** A row for each name, a column for each figure. Each cell says its value: the shade only helps to find it. */
export function cells(spec: ChartSpec, { width }: Canvas): Plot.PlotOptions {
  const name = names(spec);
  const most = width < 480 ? 14 : 26;
  const left = widest(name.map((one) => cut(one, most))) + 10;
  const together = unitOf(spec) !== "text";
  const everything = spec.series.flatMap((one) => one.values.map(number));
  const data = spec.series.flatMap((one, column) => {
    const [low, high] = range(together ? everything : one.values.map(number));
    return one.values.map((sent, row) => {
      const value = number(sent);
      const share = value === null ? 0 : (value - low) / (high - low || 1);
      return {
        column, row, text: value === null ? "–" : short(value, one.unit), title: `${name[row]}\n${one.label}`,
        shade: value === null ? "transparent" : `color-mix(in oklab, var(--accent) ${(SHADE * share).toFixed(1)}%, var(--sunken))`,
      };
    });
  });
  const place = { x: "column", y: "row" } as const;
  const wide = Math.max(width, left + COLUMN * spec.series.length);
  return {
    width: wide, height: ROW * name.length + 52, marginLeft: left, marginTop: 44, marginRight: 4, marginBottom: 8,
    x: { domain: spec.series.map((_, at) => at), padding: 0.03 },
    y: { domain: name.map((_, at) => at), padding: 0.06 },
    marks: [
      Plot.cell(data, { ...place, fill: "shade", title: "title" }),
      Plot.text(data, { ...place, text: "text" }),
      Plot.axisX({ anchor: "top", tickFormat: (at: number) => reveal(spec.series[at]!.label), lineWidth: (wide - left) / spec.series.length / 14, tickSize: 0, label: null }),
      Plot.axisY({ tickFormat: (at: number) => cut(name[at] ?? "", most), tickSize: 0, label: null }),
    ],
  };
}

function range(values: (number | null)[]): [number, number] {
  const known = values.filter((one) => one !== null);
  return [Math.min(0, ...known), Math.max(0, ...known)];
}
