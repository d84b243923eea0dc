import { useState } from "react";
import type { Plan } from "../api/types";
import { seconds } from "../format";
import { Changes } from "../plan/Changes";
import { stepsOf } from "../plan/steps";
import { liveOf, type Thread } from "../state/thread";
import { words } from "../words";

export const MARKS: Record<string, string> = {
  succeeded: "✓", reused: "✓", partial: "✓", running: "◌", retrying: "◌", waiting_approval: "◆", waiting_external: "◆", failed: "✕", rejected: "✕", declined: "✕", skipped: "–", cancelled: "–",
};
export const toneOf = (status: string): string =>
  ["succeeded", "reused", "partial"].includes(status) ? "ok" : ["running", "retrying"].includes(status) ? "run" : status.startsWith("waiting") ? "wait" : ["failed", "blocked"].includes(status) ? "bad" : "idle";

/** The plan as a checklist, with what the newest revision changed. */
export function PlanCard({ thread, open }: { thread: Thread; open(): void }) {
  const [changes, setChanges] = useState(false);
  const steps = stepsOf(thread);
  const plan = liveOf(thread).plan ?? (thread.state?.values.plan as Plan);
  const plans = thread.execution?.plans ?? [];
  return (
    <section className="plan" aria-label={words.tabs.plan}>
      <div className="row top">
        <h3>{words.plan.title(plan.rev)}</h3>
        <span className="small muted grow">{plan.rev > 1 ? plan.reason : ""}</span>
        {plan.rev > 1 && plans.length > 1 && <button className="link small" aria-expanded={changes} onClick={() => setChanges(!changes)}>{changes ? words.plan.hide : words.plan.what}</button>}
        <button className="link small" onClick={open}>{words.plan.graph}</button>
      </div>
      {changes && <Changes plans={plans} rev={plan.rev} />}
      <ol className="steps">
        {steps.map((step) => (
          <li key={step.id} title={step.why}>
            <span className={`mark ${toneOf(step.status)}`} aria-hidden="true">{MARKS[step.status] ?? "○"}</span>
            <span className="grow">{step.title}</span>
            <span className="t">{step.status === "succeeded" && step.seconds !== undefined ? <><span className="sr">{words.steps.succeeded}, </span>{seconds(step.seconds)}</> : (words.steps[step.status] ?? step.status)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
