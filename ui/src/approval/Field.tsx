import { useState } from "react";
import type { Json, JsonSchema } from "../api/types";
import { humanize } from "../format";
import { words } from "../words";
import { text } from "./Exact";

interface Given { name: string; schema: JsonSchema | undefined; required: boolean; value: Json; change(value: Json): void }

const SHORT = 80;

/** A field as the argument's JSON Schema describes it. The browser holds it to the schema's limits; the service does so again. */
export function Field({ name, schema, required, value, change }: Given) {
  const label = humanize(name);
  const { kind, nullable } = kindOf(schema, value);
  const must = required && !nullable;
  const about = { "aria-label": label, title: schema?.description, required: must };
  const given = value === null ? "" : String(value);
  const say = (typed: string) => change(typed === "" && nullable ? null : typed);
  if (kind.enum)
    return (
      <select className="field" {...about} value={given} onChange={(event) => change(kind.enum!.find((one) => String(one) === event.target.value) ?? null)}>
        {(nullable || given === "") && <option value="">{words.approval.unset}</option>}
        {kind.enum.filter((one) => one !== null).map((one) => <option key={String(one)} value={String(one)}>{String(one)}</option>)}
      </select>
    );
  if (kind.type === "boolean") return <input type="checkbox" aria-label={label} title={schema?.description} checked={value === true} onChange={(event) => change(event.target.checked)} />;
  if (kind.type === "number" || kind.type === "integer")
    return (
      <input className="field mono" type="number" {...about} step={kind.type === "integer" ? 1 : "any"} min={kind.minimum} max={kind.maximum} value={given}
        onChange={(event) => change(event.target.value === "" ? null : Number(event.target.value))} />
    );
  if (kind.type !== "string") return <JsonField {...about} value={value} change={change} />;
  if (kind.format === "date") return <input className="field mono" type="date" {...about} value={given} onChange={(event) => say(event.target.value)} />;
  const limits = { minLength: kind.minLength, maxLength: kind.maxLength };
  if ((kind.maxLength ?? Infinity) > SHORT && given.length > SHORT / 2)
    return <textarea className="field" rows={3} {...about} {...limits} value={given} onChange={(event) => say(event.target.value)} />;
  return <input className="field mono" {...about} {...limits} pattern={kind.pattern} value={given} onChange={(event) => say(event.target.value)} />;
}

/** Anything that has no field of its own, as JSON. */
function JsonField({ value, change, ...about }: { value: Json; change(value: Json): void; "aria-label": string; title: string | undefined; required: boolean }) {
  const [raw, setRaw] = useState(() => text(value));
  const [bad, setBad] = useState(false);
  const typed = (next: string, box: HTMLTextAreaElement) => {
    setRaw(next);
    try {
      change(JSON.parse(next) as Json);
      box.setCustomValidity("");
      setBad(false);
    } catch {
      box.setCustomValidity(words.approval.bad);
      setBad(true);
    }
  };
  return (
    <>
      <textarea className="field mono" rows={4} {...about} aria-invalid={bad} value={raw} onChange={(event) => typed(event.target.value, event.target)} />
      {bad && <span className="small" role="alert">{words.approval.bad}</span>}
    </>
  );
}

/** What a value may be: the one way that a schema leaves besides null; without a schema, what the value is now. */
function kindOf(schema: JsonSchema | undefined, value: Json): { kind: JsonSchema; nullable: boolean } {
  if (!schema) return { kind: { type: value === null ? "string" : Array.isArray(value) ? "array" : typeof value }, nullable: false };
  const ways = schema.anyOf ?? [schema];
  const others = ways.filter((one) => one.type !== "null");
  // a decimal may be written as a number or as text: as text nothing is lost
  const kind = others.find((one) => one.type === "string") ?? others[0] ?? schema;
  return { kind: kind.const === undefined ? kind : { ...kind, enum: [kind.const] }, nullable: others.length < ways.length };
}

/** A schema with what it refers to (`#/$defs/…`) in its place, one level deep: as deep as fields go. */
export function fieldsOf(schema: JsonSchema | null): Record<string, JsonSchema> {
  const defs = schema?.$defs ?? {};
  const whole = (one: JsonSchema): JsonSchema => ({ ...(one.$ref ? defs[one.$ref.replace("#/$defs/", "")] : {}), ...one });
  return Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([name, one]) => {
    const found = whole(one);
    return [name, found.anyOf ? { ...found, anyOf: found.anyOf.map(whole) } : found];
  }));
}
