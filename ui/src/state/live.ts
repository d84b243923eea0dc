import type { Plan, RunEvent } from "../api/types";

/** A stretch of time in which a step was in one state. Milliseconds since 1970; without `to` it goes on. */
export interface Span { status: string; from: number; to?: number }
export interface LiveTool { id: string; tool: string; step: string; preview: string; outcome: string; phase: string; ms?: number; rules: string[] }
export interface LiveStep { id: string; status: string; specialist: string; attempt: number; spans: Span[]; seconds?: number; error?: string }

/** What a run's events add up to, of one execution. */
export interface Live {
  execution: string; plan: Plan | null; steps: Record<string, LiveStep>; tools: Record<string, LiveTool>;
  calls: number; tokens: number; usd: number | null; from: number | null; to: number | null;
  /** What the run said of itself: what came of a change of the plan, why there was no other plan. */
  notes: { at: string; text: string }[];
}
/** By execution; "" collects what is said before the run has an execution's id, and moves to it. */
export interface Lives { by: Record<string, Live>; running: string[]; seen: number }

export const NOTHING: Live = { execution: "", plan: null, steps: {}, tools: {}, calls: 0, tokens: 0, usd: null, from: null, to: null, notes: [] };
export const START: Lives = { by: {}, running: [], seen: 0 };
const OPEN = new Set(["running", "waiting_approval", "waiting_external", "waiting_input", "waiting_event", "retrying", "pending"]);

/** The next picture after a stream's event. Pure; an event seen before changes nothing. */
export function reduce(lives: Lives, name: string, seq: number, data: RunEvent & { run_id?: string; status?: string }): Lives {
  if (seq && seq <= lives.seen) return lives;
  const next = { ...lives, seen: Math.max(seq, lives.seen) };
  if (name === "metadata" && data.run_id) {
    const others = next.running.filter((id) => id !== data.run_id);
    if (data.status === "run_done") return { ...next, running: others };
    const { "": _, ...by } = next.by; // what an earlier run said without an id is none of this one's
    return { ...next, by, running: [...others, data.run_id] };
  }
  if (name !== "custom") return next;
  const key = data.execution_id ?? "";
  const before = next.by[key] ?? (key && next.by[""] ? { ...next.by[""], execution: key } : { ...NOTHING, execution: key });
  const by = { ...next.by, [key]: told(before, data) };
  if (key) delete by[""];
  return { ...next, by };
}

function told(live: Live, data: RunEvent): Live {
  const at = data.at ? Date.parse(data.at) : null;
  const timed = at === null ? live : { ...live, from: Math.min(live.from ?? at, at), to: Math.max(live.to ?? at, at) };
  if (data.event === "plan" && data.steps)
    return { ...timed, plan: { rev: data.rev ?? 1, parent_rev: data.parent_rev ?? null, reason: data.reason ?? "", steps: data.steps } };
  if (data.event === "cost")
    return {
      ...timed,
      calls: live.calls + (data.model_calls ?? 0),
      tokens: live.tokens + (data.input_tokens ?? 0) + (data.output_tokens ?? 0),
      usd: data.usd === undefined ? live.usd : (live.usd ?? 0) + data.usd,
    };
  if (data.event === "note" && data.text) return { ...timed, notes: [...live.notes, { at: data.at ?? "", text: data.text }] };
  if (data.event === "step" && data.step) return { ...timed, steps: { ...live.steps, [data.step]: stepped(live.steps[data.step], data, at) } };
  if (data.event === "tool" && data.call_id) {
    const old = live.tools[data.call_id];
    const tool: LiveTool = {
      id: data.call_id, step: data.step ?? "", tool: data.tool ?? "", phase: data.phase ?? "",
      preview: data.preview ?? old?.preview ?? "", outcome: data.outcome ?? old?.outcome ?? "", rules: data.rules ?? old?.rules ?? [],
      ...((data.ms ?? old?.ms) === undefined ? {} : { ms: data.ms ?? old?.ms }),
    };
    return { ...timed, tools: { ...live.tools, [data.call_id]: tool } };
  }
  return timed;
}

function stepped(old: LiveStep | undefined, data: RunEvent, at: number | null): LiveStep {
  const status = data.status ?? "";
  const spans = [...(old?.spans ?? [])];
  const last = spans.at(-1);
  if (at !== null) {
    if (last && last.to === undefined) spans[spans.length - 1] = { ...last, to: at, ...(status === "failed" ? { status: "failed" } : {}) };
    if (OPEN.has(status)) spans.push({ status, from: at });
  }
  return {
    id: data.step ?? "", status, spans, specialist: data.specialist ?? old?.specialist ?? "", attempt: data.attempt ?? old?.attempt ?? 1,
    ...((data.seconds ?? old?.seconds) === undefined ? {} : { seconds: data.seconds ?? old?.seconds }),
    ...(data.error ? { error: data.error } : {}),
  };
}
