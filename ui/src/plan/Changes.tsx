import type { Plan, PlanStep } from "../api/types";
import { after } from "../state/live";
import { words } from "../words";

/** What a revision of the plan added and took out, against the one it came from. */
export function Changes({ plans, rev }: { plans: Plan[]; rev: number }) {
  const now = plans.find((one) => one.rev === rev);
  const before = plans.find((one) => one.rev === now?.parent_rev);
  if (!now || !before) return null;
  const added = lacking(now.steps, before.steps);
  const removed = lacking(before.steps, now.steps);
  return (
    <div className="changes">
      {added.length + removed.length === 0 && <p className="muted small">{words.plan.same}</p>}
      <ul>
        {removed.map((step) => <li key={`-${step.id}`} className="del"><span aria-hidden="true">−</span><span className="sr">{words.plan.removed}: </span>{step.title}</li>)}
        {added.map((step) => <li key={`+${step.id}`} className="ins"><span aria-hidden="true">+</span><span className="sr">{words.plan.added}: </span>{step.title}<span className="muted small"> {words.plan.by} {step.specialist}, {words.plan.after} {after(step).join(", ") || "–"}</span></li>)}
      </ul>
    </div>
  );
}

const lacking = (these: PlanStep[], those: PlanStep[]) => these.filter((one) => !those.some((other) => other.id === one.id));
