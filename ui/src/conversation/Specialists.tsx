import { humanize, reveal, seconds } from "../format";
import { failuresOf, workedOf } from "../plan/steps";
import type { LiveTool } from "../state/live";
import { liveOf, type Thread } from "../state/thread";
import { words } from "../words";
import { toneOf } from "./PlanCard";

/** One row a step that somebody works or worked on: what it found, and under it the tools that were called. */
export function Specialists({ thread }: { thread: Thread }) {
  const live = liveOf(thread);
  const results = thread.state?.values.results ?? {};
  const steps = workedOf(thread).filter((step) => live.steps[step.id] || results[step.id] || step.status === "failed");
  const failures = new Map(failuresOf(thread).map((one) => [one.step.id, one]));
  if (!steps.length) return null;
  const tools = Object.values(live.tools);
  const rows = (
    <section aria-label={words.work.title} className="work">
      {steps.map((step) => {
        const mine = tools.filter((one) => one.step === step.id);
        const result = results[step.id];
        const failure = failures.get(step.id);
        const failed = failure?.why ?? live.steps[step.id]?.error ?? result?.error?.message;
        return (
          <details key={step.id} className="specialist">
            <summary>
              <span className={`st ${toneOf(step.status)}`}>{humanize(step.specialist)}</span>
              <span className="grow cut muted">{failed ? reveal(failed) : result ? result.headline : step.title}</span>
              <span className="small muted figures">{mine.length ? words.work.calls(mine.length) : ""} {seconds(step.seconds)}</span>
            </summary>
            {failure && <p className="outcome"><b>{words.work.failed}</b> {reveal(failure.why)} <b>{words.work.then}</b> {failure.then ? reveal(failure.then) : words.work.without}</p>}
            <ul className="calls">
              {mine.length === 0 && <li className="muted small">{words.work.none}</li>}
              {mine.map((one) => (
                <li key={one.id} className="toolcard">
                  <span className="row"><b className="mono">{one.tool}</b><Outcome tool={one} />
                    <span className="small muted right">{one.ms === undefined ? "" : seconds(one.ms / 1000)}</span></span>
                  {one.preview && <span className="mono muted">{reveal(one.preview)}</span>}
                  {one.rules.length > 0 && <span className="small muted">{words.work.rule} <span className="mono">{one.rules.join(", ")}</span></span>}
                </li>
              ))}
            </ul>
          </details>
        );
      })}
      {live.notes.map((one, at) => <p key={at} className="note">{reveal(one.text)}</p>)}
    </section>
  );
  // Once there is an answer it comes first; the work stays one click away.
  if (!thread.state?.values.answer) return rows;
  return <details className="worked"><summary>{words.work.done(steps.length, tools.length)}</summary>{rows}</details>;
}

function Outcome({ tool }: { tool: LiveTool }) {
  const tone = tool.outcome === "ok" ? "ok" : tool.outcome === "approve" ? "wait" : tool.phase === "done" || ["deny", "denied", "rejected", "error"].includes(tool.outcome) ? "bad" : "run";
  return <span className={`st ${tone}`}>{words.work.outcomes[tool.outcome] ?? (tool.outcome || tool.phase)}</span>;
}
