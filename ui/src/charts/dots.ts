import * as Plot from "@observablehq/plot";
import { reveal } from "../format";
import { type Canvas, type ChartSpec, colour, cut, measured, number, short, SYMBOLS, unitOf, valueLabel } from "./spec";

interface Dot { x: number; y: number; name: string; title: string }
const NAMED = 10; // points that are named at most: the table has all

/** A point a row; those farthest out are named where their names do not lie on each other. */
export function dots(spec: ChartSpec, { width }: Canvas): Plot.PlotOptions {
  const unit = unitOf(spec);
  const series = spec.series.map((one) => one.values.flatMap((sent, at): Dot[] => {
    const [x, y] = [number(spec.x.values[at]), number(sent)];
    const name = reveal(spec.labels[at] ?? "");
    return x === null || y === null ? [] : [{ x, y, name, title: `${name}\n${spec.x.label}: ${short(x, spec.x.unit)}\n${one.label}: ${short(y, one.unit)}` }];
  }));
  const height = Math.min(380, Math.max(280, width * 0.55));
  const all = series.flat();
  const frame = { left: 56, right: 24, top: 24, bottom: 40 };
  const x = padded(all.map((one) => one.x));
  const y = padded(all.map((one) => one.y));
  const named = series.length === 1 ? labelled(all, { width: width - frame.left - frame.right, height: height - frame.top - frame.bottom }, x, y) : [];
  const name = { x: "x", y: "y", text: (one: Dot) => cut(one.name, 26), dy: -1 } as const;
  return {
    width, height, marginLeft: frame.left, marginRight: frame.right, marginTop: frame.top, marginBottom: frame.bottom,
    x: { domain: x }, y: { domain: y },
    marks: [
      Plot.gridY({ stroke: "currentColor", strokeOpacity: 0.14, ticks: 5 }),
      Plot.gridX({ stroke: "currentColor", strokeOpacity: 0.14, ticks: width / 100 }),
      ...series.map((points, at) => Plot.dot(points, { x: "x", y: "y", fill: colour(at), fillOpacity: 0.8, stroke: "var(--bg)", symbol: SYMBOLS[at % 8], r: 5, title: "title" })),
      Plot.text(named.filter((one) => !one.back).map((one) => one.dot), { ...name, textAnchor: "start", dx: 9 }),
      Plot.text(named.filter((one) => one.back).map((one) => one.dot), { ...name, textAnchor: "end", dx: -9 }),
      Plot.axisX({ ticks: width / 100, tickFormat: (at: number) => short(at, spec.x.unit), tickSize: 0, label: measured(spec.x.label, spec.x.unit), labelArrow: "none", labelAnchor: "center" }),
      Plot.axisY({ ticks: 5, tickFormat: (at: number) => short(at, unit), tickSize: 0, label: valueLabel(spec), labelArrow: "none" }),
    ],
  };
}

function padded(values: number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low >= 0 && low < room ? 0 : low - room, high + room];
}

/** Which points are named, and whether before the point, for want of room behind it. */
function labelled(points: Dot[], frame: { width: number; height: number }, x: [number, number], y: [number, number]): { dot: Dot; back: boolean }[] {
  const spot = (dot: Dot) => ({ left: ((dot.x - x[0]) / (x[1] - x[0])) * frame.width, top: ((y[1] - dot.y) / (y[1] - y[0])) * frame.height });
  const middle = { left: frame.width / 2, top: frame.height / 2 };
  const far = (dot: Dot) => Math.abs(spot(dot).left - middle.left) / frame.width + Math.abs(spot(dot).top - middle.top) / frame.height;
  const taken = points.map((dot) => ({ ...spot(dot), width: 10, height: 10, centred: true }));
  const boxes: { left: number; top: number; width: number }[] = [];
  const found: { dot: Dot; back: boolean }[] = [];
  for (const dot of [...points].sort((a, b) => far(b) - far(a))) {
    const { left, top } = spot(dot);
    const wide = cut(dot.name, 26).length * 6.4 + 12;
    const back = left + wide > frame.width + 20;
    const box = { left: back ? left - wide : left + 4, top, width: wide - 4 };
    const crossed = boxes.some((one) => Math.abs(one.top - box.top) < 14 && one.left < box.left + box.width && box.left < one.left + one.width);
    const covers = taken.some((one) => !(one.left === left && one.top === top) && Math.abs(one.top - box.top) < 11 && one.left > box.left && one.left < box.left + box.width);
    if (!dot.name || crossed || covers || box.left < -frame.width * 0.1 || found.length >= NAMED) continue;
    boxes.push(box);
    found.push({ dot, back });
  }
  return found;
}
