import { useState } from "react";
import type { PaneProps } from "../shell/Aside";
import { useStore } from "../state/store";
import { who } from "../state/who";
import { words } from "../words";
import Lanes from "../specialists/Lanes";
import { Changes } from "./Changes";
import { EditSteps } from "./EditSteps";
import { Graph } from "./Graph";
import { stepsOf } from "./steps";

/** An execution whose steps may be changed by who asked for it. */
const OPEN = new Set(["running", "waiting"]);

export default function PlanPane(props: PaneProps) {
  const [editing, edit] = useState(false);
  const { served } = useStore(who);
  const execution = props.thread.execution;
  const steps = stepsOf(props.thread);
  const plans = [...(props.thread.execution?.plans ?? [])].reverse();
  const mine = execution?.requester === served?.person.user && OPEN.has(execution?.status ?? "");
  if (!steps.length) return <p className="muted">{words.plan.none}</p>;
  return (
    <>
      <Graph steps={steps} />
      {mine && !editing && <p><button className="btn" onClick={() => edit(true)}>{words.editing.title}</button></p>}
      {mine && editing && <EditSteps thread={props.thread} store={props.store} close={() => edit(false)} />}
      <Lanes {...props} />
      {plans.length > 1 && (
        <section>
          <h3>{words.plan.revisions}</h3>
          {plans.map((plan) => (
            <details key={plan.rev} className="specialist revision">
              <summary><b>{words.plan.title(plan.rev)}</b><span className="small muted grow">{plan.reason}</span></summary>
              <Changes plans={plans} rev={plan.rev} />
            </details>
          ))}
        </section>
      )}
    </>
  );
}
