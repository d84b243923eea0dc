import type { Column, Row, Unit } from "../api/types";
import { reveal } from "../format";

// A chart as the service sends it (tools/charts.py): data only. What is drawn from it, and in which words, is decided here.

export type ChartType = "bar" | "line" | "stacked_bar" | "heatmap" | "scatter";
type Sent = number | string | null;
export interface ChartSpec {
  type: ChartType; title: string; scope: string; as_of: string; total_rows: number; labels: string[];
  x: { field: string; label: string; unit: Unit; values: Sent[] };
  series: { field: string; label: string; unit: Unit; values: Sent[] }[];
  rows: Row[]; columns: Column[];
}
/** How the pictures are asked for: as wide as there is room; `patterns` is what the ids of the fills begin with. */
export interface Canvas { width: number; patterns: string }

/** Decimals arrive as text. */
export const number = (value: Sent | undefined): number | null => (value === null || value === undefined || value === "" ? null : Number(value));
/** What tells the series of a line or scatter chart apart beside their colour: a symbol of Observable Plot, and as a character. */
export const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "cross", "wye", "times"] as const;
export const GLYPHS = ["●", "■", "▲", "◆", "★", "✚", "Y", "✕"];
export const DASHES = ["", "6 3", "2 3", "9 3 2 3", "4 4", "1 4", "12 4", "6 2 2 2 2 2"];
export const colour = (at: number): string => `var(--c${at % 8})`;
export const fillOf = (patterns: string, at: number): string => (at ? `url(#${patterns}${at % 8})` : colour(0));

/** A number as an axis or a bar shows it: `$72.2M`, `12.3%`, `1,186`. The same rule as in the exported reports. */
export function short(value: number, unit: Unit): string {
  const size = Math.abs(value);
  const power = ([[1e9, "B"], [1e6, "M"], [1e3, "k"]] as const).find(([least]) => size >= least);
  const places = (least: number, most: number) => size.toLocaleString("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
  let text;
  if (["usd", "count", "kg"].includes(unit) && size >= 10_000 && power) text = (size / power[0]).toFixed(1).replace(/\.0$/, "") + power[1];
  else if (unit === "count" || Number.isInteger(size)) text = places(0, 0);
  else text = size < 1 || unit === "ratio" ? places(2, 2) : places(1, 1);
  return `${value < 0 ? "−" : ""}${unit === "usd" ? "$" : ""}${text}${unit === "percent" ? "%" : ""}`;
}

const MEASURES: Partial<Record<Unit, string>> = { usd: "US dollars", percent: "%", days: "days", kg: "kg", score: "score, 0 to 100" };

/** An axis's label with its unit: `Spend (US dollars)`. */
export function measured(label: string, unit: Unit): string {
  const said = MEASURES[unit];
  return reveal(said && !label.toLowerCase().includes(said.split(",")[0]!.toLowerCase()) ? `${label} (${said})` : label);
}

/** The unit that all series have in common, or `text`. */
export function unitOf(spec: ChartSpec): Unit {
  const [first] = spec.series;
  return first && spec.series.every((one) => one.unit === first.unit) ? first.unit : "text";
}

/** What the axis of the values is called: the one series by name, several by their unit. */
export function valueLabel(spec: ChartSpec): string {
  const [first] = spec.series;
  if (first && spec.series.length === 1) return measured(first.label, first.unit);
  return MEASURES[unitOf(spec)] ?? "";
}

export const names = (spec: ChartSpec): string[] => spec.x.values.map((one) => (one === null ? "–" : reveal(String(one))));

const ruler = document.createElement("canvas").getContext("2d");

/** Pixels that the longest of these names takes in the pictures' letters. */
export function widest(texts: string[]): number {
  if (!ruler) return Math.max(0, ...texts.map((one) => one.length * 7));
  ruler.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return Math.ceil(Math.max(0, ...texts.map((one) => ruler.measureText(one).width)));
}

export function cut(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1).trimEnd()}…` : name;
}

/** What the chart says, in words, for those who do not see it. */
export function describe(spec: ChartSpec): string {
  const at = spec.labels.length ? spec.labels.map(reveal) : names(spec);
  const said = spec.series.slice(0, 3).flatMap((series) => {
    const known = series.values.map((value, n) => [number(value), at[n] ?? ""] as const).filter((one): one is readonly [number, string] => one[0] !== null);
    if (!known.length) return [];
    const high = known.reduce((a, b) => (b[0] > a[0] ? b : a));
    const low = known.reduce((a, b) => (b[0] < a[0] ? b : a));
    return [`${reveal(series.label)}: highest ${short(high[0], series.unit)} (${high[1]}), lowest ${short(low[0], series.unit)} (${low[1]}).`];
  });
  return [`${spec.type.replace("_", " ")} chart by ${reveal(spec.x.label)}, ${spec.x.values.length} points.`, ...said].join(" ");
}
