import * as Plot from "@observablehq/plot";
import { type Canvas, type ChartSpec, cut, fillOf, names, number, short, unitOf, valueLabel, widest } from "./spec";

const BAR = 18; // pixels of a bar
const LETTER = 7; // pixels of a letter, about
const NARROW = 480;
/** A bar: from `from` to `to` in values, from `low` to `high` in places. */
interface Bar { place: number; series: number; from: number; to: number; low: number; high: number; value: number | null }

/** Bars and stacked bars. Names lie, each before its bar or, where there is little room, above it; a few short ones stand. */
export function bars(spec: ChartSpec, { width, patterns }: Canvas): Plot.PlotOptions {
  const stacked = spec.type === "stacked_bar";
  const name = names(spec);
  const stands = name.length <= 16 && Math.max(...name.map((one) => one.length), 0) <= 9 && name.join("").length * LETTER * 1.6 < width;
  const above = !stands && width < NARROW;
  const all = barsOf(spec, stacked, above ? 0.44 : 0.14);
  const unit = unitOf(spec);
  const each = stacked ? 1 : spec.series.length;
  const title = (one: Bar) => `${name[one.place]}\n${spec.series[one.series]!.label}: ${one.value === null ? "–" : short(one.value, spec.series[one.series]!.unit)}`;
  const look = { fill: (one: Bar) => fillOf(patterns, one.series), title };
  const ends = endsOf(all, stacked);
  const said = each <= 2 || stacked ? ends : [];
  const value = (one: { value: number }) => short(one.value, unit === "text" ? "ratio" : unit);
  const places = name.map((_, at) => at + 0.5);
  const nameOf = (most: number) => (at: number) => cut(name[Math.floor(at)] ?? "", most);
  const axis = { label: valueLabel(spec), labelArrow: "none", tickFormat: (at: number) => short(at, unit), ticks: Math.max(3, Math.min(6, width / 90)), tickSize: 0 } as const;
  if (stands)
    return {
      width, height: 280, marginLeft: 56, marginBottom: 40,
      x: { domain: [0, name.length] },
      y: grow(all, 24 / 216),
      marks: [
        Plot.gridY({ stroke: "currentColor", strokeOpacity: 0.14, ticks: axis.ticks }),
        Plot.rect(all, { x1: "low", x2: "high", y1: "from", y2: "to", ...look }),
        Plot.text(said, { x: "middle", y: "end", dy: -8, text: value }),
        Plot.ruleY([0], { strokeOpacity: 0.5 }),
        Plot.axisX(places, { tickFormat: nameOf(9), tickSize: 0, label: spec.x.label, labelArrow: "none", labelAnchor: "center" }),
        Plot.axisY(axis),
      ],
    };
  const most = 30;
  const left = above ? 8 : widest(name.map((one) => cut(one, most))) + 10;
  const row = (each * BAR) / (above ? 0.5 : 0.72);
  return {
    width, height: row * name.length + 48, marginLeft: left, marginBottom: 40, marginTop: 8, marginRight: 16,
    x: grow(all, 56 / (width - left - 16)),
    y: { domain: [0, name.length], reverse: true, axis: null },
    marks: [
      Plot.gridX({ stroke: "currentColor", strokeOpacity: 0.14, ticks: axis.ticks }),
      Plot.rect(all, { x1: "from", x2: "to", y1: "low", y2: "high", ...look }),
      Plot.text(said, { x: "end", y: "middle", dx: 5, textAnchor: "start", text: value }),
      Plot.ruleX([0], { strokeOpacity: 0.5 }),
      above
        ? Plot.text(places, { frameAnchor: "left", y: (at: number) => at - 0.28, textAnchor: "start", dx: 3, text: nameOf(Math.floor(width / LETTER)) })
        : Plot.axisY(places, { tickFormat: nameOf(most), tickSize: 0, label: null }),
      Plot.axisX({ ...axis, labelAnchor: "center" }),
    ],
  };
}

/** The scale of the values: zero is on it, and a share of it above the highest is left for what is written at the ends. */
function grow(all: Bar[], share: number) {
  const low = Math.min(0, ...all.map((one) => one.to));
  const high = Math.max(0, ...all.map((one) => one.to));
  const room = ((high - low || 1) * share) / (1 - share);
  return { domain: [low && low - room / 4, high + room] };
}

/** Bars beside each other, or on one another: what is below zero below, what is above it above. `lead`: the room before a bar. */
function barsOf(spec: ChartSpec, stacked: boolean, lead: number): Bar[] {
  const room = 0.94 - lead;
  const count = stacked ? 1 : spec.series.length;
  return spec.x.values.flatMap((_, place) => {
    const base = { up: 0, down: 0 };
    return spec.series.map((one, series) => {
      const value = number(one.values[place]);
      const side = (value ?? 0) < 0 ? "down" : "up";
      const from = stacked ? base[side] : 0;
      const to = from + (value ?? 0);
      if (stacked) base[side] = to;
      const low = place + lead + (stacked ? 0 : (series * room) / count);
      return { place, series, from, to, low, high: low + room / count, value };
    });
  });
}

interface End { middle: number; end: number; value: number }

/** What is written at the end of each bar; of a stack, its sum. */
function endsOf(all: Bar[], stacked: boolean): End[] {
  if (!stacked) return all.filter((one) => one.value !== null).map((one) => ({ middle: (one.low + one.high) / 2, end: Math.max(one.to, 0), value: one.value! }));
  return [...Map.groupBy(all, (one) => one.place).values()].map((parts) => ({
    middle: (parts[0]!.low + parts[0]!.high) / 2,
    end: Math.max(0, ...parts.map((one) => one.to)),
    value: parts.reduce((sum, one) => sum + (one.value ?? 0), 0),
  }));
}
