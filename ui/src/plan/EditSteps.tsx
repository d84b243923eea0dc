import { useState } from "react";
import { api } from "../api/client";
import { type Problem, problemOf } from "../api/problem";
import type { Plan, PlanStep, StepChange } from "../api/types";
import { humanize, reveal } from "../format";
import { Alert } from "../shell/Alert";
import type { Thread, ThreadStore } from "../state/thread";
import { words } from "../words";

const say = words.editing;

interface Given { thread: Thread; store: ThreadStore; close(): void }

/** Single steps of the newest revision, changed together: left out, or with other settings. What has begun stays as it is. */
export function EditSteps({ thread, store, close }: Given) {
  const { id, plans, attempts } = thread.execution!;
  const [base] = useState(plans.at(-1)!);
  const [changes, setChanges] = useState<Record<string, StepChange>>({});
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const begun = new Set(attempts.map((one) => one.step_id));
  const list = Object.values(changes);
  const change = (step: string, now: StepChange | null) => {
    const { [step]: _old, ...rest } = changes;
    setChanges(now ? { ...rest, [step]: now } : rest);
  };
  const send = async () => {
    try {
      await api.editPlan(id, base.rev, list, reason.trim());
      store.changed();
      close();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <form className="editing" aria-label={say.title} onSubmit={(event) => (event.preventDefault(), void send())}>
      <h3>{say.title}</h3>
      <p className="small muted">{say.about}</p>
      <ul className="plainlist">
        {base.steps.map((step) => <Row key={step.id} step={step} fixed={begun.has(step.id)} now={changes[step.id]} change={(now) => change(step.id, now)} />)}
      </ul>
      <label className="small">{say.why}<input className="field" required maxLength={900} value={reason} onChange={(event) => setReason(event.target.value)} /></label>
      {newer(plans, base) && <p className="note bad">{say.newer}</p>}
      {problem && <Alert problem={problem} />}
      <div className="row"><button className="btn primary" disabled={!list.length}>{say.apply(list.length)}</button><button type="button" className="btn" onClick={close}>{words.approval.cancel}</button></div>
    </form>
  );
}

const newer = (plans: Plan[], base: Plan) => plans.at(-1)!.rev !== base.rev;

function Row({ step, fixed, now, change }: { step: PlanStep; fixed: boolean; now: StepChange | undefined; change(now: StepChange | null): void }) {
  const [name, setName] = useState("");
  const out = now?.leave_out ?? false;
  const settings: Record<string, string | null> = { ...step.settings, ...now?.settings };
  const set = (key: string, value: string | null) => {
    const { [key]: _old, ...rest } = now?.settings ?? {};
    const next = value === (step.settings[key] ?? null) ? rest : { ...rest, [key]: value };
    change(Object.keys(next).length ? { step: step.id, settings: next } : null);
  };
  return (
    <li className="step">
      <label className="row">
        <input type="checkbox" checked={!out} disabled={fixed} onChange={() => change(out ? null : { step: step.id, leave_out: true })} />
        <span className={out ? "left" : ""}>{reveal(step.title)}</span>
      </label>
      <span className="small muted">{fixed ? say.begun : humanize(step.specialist)}</span>
      {!fixed && !out && (
        <div className="settings">
          {Object.entries(settings).map(([key, value]) => (
            <label key={key} className="small"><span>{humanize(key)}</span><input className="field mono" value={value ?? ""} placeholder={say.unset} onChange={(event) => set(key, event.target.value || null)} /></label>
          ))}
          <span className="row">
            <input className="field mono" aria-label={say.nameOf(step.title)} placeholder={say.name} value={name} onChange={(event) => setName(event.target.value)} />
            <button type="button" className="link small" disabled={!name.trim()} onClick={() => (set(name.trim(), ""), setName(""))}>{say.add}</button>
          </span>
        </div>
      )}
    </li>
  );
}
