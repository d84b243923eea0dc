import type { Json } from "../api/types";
import { reveal } from "../format";

/** A value as exact text, hidden characters written out. */
export function Exact({ value }: { value: Json }) {
  const shown = reveal(text(value));
  const prose = typeof value === "string" && value.length > 40;
  return <span className={prose ? "prose" : "mono"}>{shown}</span>;
}

export function text(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 2 : undefined);
}
