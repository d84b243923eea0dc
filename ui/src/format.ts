import type { Column, Row, Unit } from "./api/types";

const PLACES: Partial<Record<Unit, number>> = { usd: 2, percent: 2, days: 2, score: 1, index: 4, ratio: 4 };
const AFTER: Partial<Record<Unit, string>> = { percent: " %", days: " days", kg: " kg" };
export const NUMERIC = new Set<Unit>(["count", "usd", "percent", "days", "score", "index", "ratio", "kg"]);

/** A figure as the reports write it (graphs/formats.py): `542212022.34`, usd → `$542,212,022.34`; a missing one is `–`. */
export function show(value: unknown, unit: Unit = "text"): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  const number = Number(value);
  if (unit === "text" || unit === "date" || Number.isNaN(number) || value === "") return String(value);
  const small = unit === "percent" && Math.abs(number) >= 0.001 && Math.abs(number) < 1;
  const places = small ? 3 : PLACES[unit];
  const fixed = places === undefined ? { maximumFractionDigits: unit === "count" ? 0 : 20 } : { minimumFractionDigits: places, maximumFractionDigits: places };
  const text = Math.abs(number).toLocaleString("en-US", fixed);
  return `${number < 0 ? "−" : ""}${unit === "usd" ? "$" : ""}${text}${AFTER[unit] ?? ""}`;
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** Bidirectional, zero-width and control characters written out, such as ‹U+202E›: what one reads is what is sent. */
export function reveal(text: string): string {
  return text.replace(HIDDEN, (char) =>
    char === "\n" || char === "\t" ? char : `‹U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}›`,
  );
}

/** A duration: `0.4 s`, `12 s`, `3 min 05 s`, `7 h 52 min`. */
export function seconds(value: number | undefined | null): string {
  if (value === undefined || value === null) return "";
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(value % 60)).padStart(2, "0")} s`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}

/** How long ago: `now`, `12 min`, `Tue`, `3 Nov`. */
export function ago(iso: string, now = Date.now()): string {
  const then = new Date(iso);
  const minutes = (now - then.getTime()) / 60_000;
  if (minutes < 1) return "now";
  if (minutes < 60) return `${Math.floor(minutes)} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  if (minutes < 6 * 24 * 60) return then.toLocaleDateString("en-GB", { weekday: "short" });
  return then.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

export function clock(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** `open_case` → `Open case`. */
export function humanize(name: string): string {
  const text = name.replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** RFC 4180, with what a spreadsheet would read as a formula made text. */
export function toCsv(columns: Column[], rows: Row[]): string {
  const cell = (value: unknown) => {
    const raw = value === null || value === undefined ? "" : String(value);
    const safe = /^[=+\-@\t\r]/.test(raw) && Number.isNaN(Number(raw)) ? `'${raw}` : raw;
    return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  return [columns.map((one) => cell(one.label)), ...rows.map((row) => columns.map((one) => cell(row[one.field])))].map((line) => line.join(",")).join("\r\n") + "\r\n";
}

/** Hands a text to the person as a file. */
export function download(name: string, type: string, text: string): void {
  save(new File([text], name, { type }));
}

export function save(file: File): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function fileName(title: string, ending: string): string {
  return `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "clearance"}.${ending}`;
}
