import type { Plan, PlanStep } from "../api/types";
import { humanize, reveal } from "../format";
import { words } from "../words";

const say = words.plan;

/** What a revision of the plan added, took out and set otherwise, against the one it came from. */
export function Changes({ plans, rev }: { plans: Plan[]; rev: number }) {
  const now = plans.find((one) => one.rev === rev);
  const before = plans.find((one) => one.rev === now?.parent_rev);
  if (!now || !before) return null;
  const gone = lacking(before.steps, now.steps);
  const fresh = lacking(now.steps, before.steps);
  const changed = fresh.flatMap((step) => {
    const old = gone.find((one) => same(one, step));
    return old ? [{ old, step, of: differences(old, before, step, now) }] : [];
  });
  const removed = gone.filter((old) => !changed.some((one) => one.old === old));
  const added = fresh.filter((step) => !changed.some((one) => one.step === step));
  return (
    <div className="changes">
      {gone.length + fresh.length === 0 && <p className="muted small">{say.same}</p>}
      <ul>
        {removed.map((step) => <li key={`-${step.id}`} className="del"><span aria-hidden="true">−</span><span className="sr">{say.removed}: </span>{reveal(step.title)}</li>)}
        {changed.map(({ step, of }) => (
          <li key={`~${step.id}`} className="mod">
            <span aria-hidden="true">~</span><span className="sr">{say.changed}: </span>{reveal(step.title)}
            {of.map((one) => <span key={one.name} className="diff small">{one.name}: <del>{reveal(one.was)}</del> → <ins>{reveal(one.is)}</ins></span>)}
          </li>
        ))}
        {added.map((step) => (
          <li key={`+${step.id}`} className="ins">
            <span aria-hidden="true">+</span><span className="sr">{say.added}: </span>{reveal(step.title)}
            <span className="muted small"> {say.by} {humanize(step.specialist).toLowerCase()}{waits(step, now) && `, ${say.after} ${waits(step, now)}`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const lacking = (these: PlanStep[], those: PlanStep[]) => these.filter((one) => !those.some((other) => other.id === one.id));
const titleOf = (id: string, plan: Plan) => plan.steps.find((one) => one.id === id)?.title ?? id;
const waits = (step: PlanStep, plan: Plan) => (step.after ?? []).map((id) => titleOf(id, plan)).join(", ");

/** A step that was changed has a new id: it is the one that makes the same, of the same row. */
function same(old: PlanStep, step: PlanStep): boolean {
  return old.produces.join() === step.produces.join() && JSON.stringify(old.item ?? null) === JSON.stringify(step.item ?? null);
}

interface Difference { name: string; was: string; is: string }

function differences(old: PlanStep, before: Plan, step: PlanStep, now: Plan): Difference[] {
  const named = [...new Set([...Object.keys(old.settings), ...Object.keys(step.settings)])].sort();
  const all: Difference[] = [
    { name: say.fields.title, was: old.title, is: step.title },
    { name: say.fields.specialist, was: humanize(old.specialist), is: humanize(step.specialist) },
    ...named.map((name) => ({ name: humanize(name), was: old.settings[name] ?? say.unset, is: step.settings[name] ?? say.unset })),
    { name: say.fields.waits, was: waits(old, before) || "–", is: waits(step, now) || "–" },
  ];
  return all.filter((one) => one.was !== one.is);
}
