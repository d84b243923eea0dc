import type { PlanStep } from "../api/types";
import { liveOf, type Thread } from "../state/thread";

export interface Shown { id: string; title: string; specialist: string; why: string; status: string; seconds?: number; after: string[] }

const UNFINISHED = /^(pending|ready|running|retrying|queued|waiting)/;

/** The steps of the newest plan in its order, with how each stands; those that were replaced by others are left out. */
export function stepsOf(thread: Thread): Shown[] {
  const live = liveOf(thread);
  const state = thread.state?.values;
  const kept = thread.execution?.plans.find((plan) => plan.rev === state?.plan?.rev); // says what each step waits for
  const planned: PlanStep[] = live.plan?.steps ?? kept?.steps ?? state?.plan?.steps ?? [];
  const ended = thread.execution?.status === "cancelled";
  const told = (id: string) => live.steps[id]?.status || state?.steps?.[id]?.status || "pending";
  const statusOf = (id: string) => (ended && UNFINISHED.test(told(id)) ? "stopped" : told(id));
  const left = planned.filter((step) => statusOf(step.id) !== "superseded");
  const there = new Set(left.map((step) => step.id));
  const parents = new Map(planned.map((step) => [step.id, step]));
  return left.map((step) => ({
    id: step.id, title: step.title, specialist: step.specialist, why: step.why, status: statusOf(step.id),
    seconds: live.steps[step.id]?.seconds ?? state?.results?.[step.id]?.seconds,
    after: [...new Set((step.after ?? []).flatMap((id) => (there.has(id) ? [id] : (parents.get(id)?.after ?? []).filter((up) => there.has(up)))))],
  }));
}

/** A step that failed: why, and what came of it. `then` is empty where the plan had nothing else. */
export interface Failure { step: Shown; why: string; kind: string; then: string }

/** The steps that failed, also those that a revision of the plan took out. */
export function failuresOf(thread: Thread): Failure[] {
  const live = liveOf(thread);
  const plans = thread.execution?.plans ?? [];
  const known = new Map([...plans, live.plan].flatMap((plan) => plan?.steps ?? []).map((step) => [step.id, step]));
  const tried = thread.execution?.attempts ?? [];
  const ids = new Set([...Object.values(live.steps).filter((one) => one.status === "failed").map((one) => one.id), ...tried.filter((one) => one.status === "failed").map((one) => one.step_id)]);
  return [...ids].flatMap((id) => {
    const step = known.get(id);
    const last = tried.findLast((one) => one.step_id === id);
    const failed = live.steps[id];
    if (!step || (last && last.status !== "failed")) return [];
    const error = last?.result?.error ?? null;
    const revised = plans.find((plan) => plan.cause === "failure" && plan.reason.startsWith(`Step ${id} `));
    return [{
      step: { id, title: step.title, specialist: failed?.specialist || last?.specialist || step.specialist, why: step.why, status: "failed", seconds: failed?.seconds ?? last?.result?.seconds, after: [] },
      why: failed?.error ?? error?.message ?? "", kind: error?.kind ?? "", then: revised ? revised.reason.replace(/^Step .*?\)\. /s, "") : "",
    }];
  });
}

/** All steps that somebody worked or works on or that are to come, and those that failed and were replaced. */
export function workedOf(thread: Thread): Shown[] {
  const steps = stepsOf(thread);
  return [...failuresOf(thread).map((one) => one.step).filter((one) => !steps.some((other) => other.id === one.id)), ...steps];
}
