import { humanize, reveal, seconds } from "../format";
import { failuresOf, workedOf } from "../plan/steps";
import type { PaneProps } from "../shell/Aside";
import type { Span } from "../state/live";
import { liveOf } from "../state/thread";
import { words } from "../words";

const WAIT_SHARE = 0.2; // of the time worked: what a wait for people takes of the line at most

/** Who worked when: a lane a specialist. Time in which nobody worked is drawn, but cut short. */
export default function Lanes({ thread }: PaneProps) {
  const live = liveOf(thread);
  const failures = failuresOf(thread);
  const steps = workedOf(thread).filter((step) => live.steps[step.id]?.spans.length);
  if (!steps.length) return <p className="muted">{words.lanes.none}</p>;
  const spans = steps.flatMap((step) => live.steps[step.id]!.spans);
  const line = lineOf(spans, Date.now());
  const lanes = Map.groupBy(steps, (step) => step.specialist);
  return (
    <section>
      <div className="row" style={{ marginBottom: 8 }}><h3 className="grow">{words.lanes.title}</h3><span className="small muted">{words.lanes.worked(seconds(line.worked / 1000))}</span></div>
      <div className="lanes" role="list">
        {[...lanes].map(([specialist, mine]) => (
          <div key={specialist} role="listitem" style={{ display: "contents" }}>
            <span className="cut" title={humanize(specialist)}>{humanize(specialist)}</span>
            <span className="lane" role="img" aria-label={mine.map((step) => `${step.title}: ${words.steps[step.status] ?? step.status} ${seconds(step.seconds)}`).join(". ")}>
              {mine.flatMap((step) => live.steps[step.id]!.spans).map((one, at) => {
                const kind = waits(one) ? "wait" : one.status === "failed" ? "bad" : "";
                const left = line.place(one.from);
                return <i key={at} className={kind} style={{ left: `${left}%`, width: `${(one.to === undefined ? 100 : line.place(one.to)) - left}%` }} />;
              })}
            </span>
          </div>
        ))}
      </div>
      <ul className="legend" style={{ marginTop: 8 }}>
        <li><i />{words.lanes.legend.running}</li>
        {spans.some(waits) && <li><i className="waitkey" />{words.lanes.legend.waiting_approval}</li>}
        {spans.some((one) => one.status === "failed") && <li><i className="badkey" />{words.lanes.legend.failed}</li>}
      </ul>
      {failures.map((one) => (
        <p key={one.step.id} className="failure"><span className="st bad">{words.lanes.failed(one.step.title)}</span> {reveal(one.why)} <b>{words.work.then}</b> {one.then ? reveal(one.then) : words.work.without}</p>
      ))}
    </section>
  );
}

const waits = (span: Span) => span.status.startsWith("waiting");

/** Maps time to a share of the line: stretches of work as they were, gaps between them shortened. */
function lineOf(spans: Span[], now: number) {
  const work: { from: number; to: number }[] = [];
  for (const one of spans.filter((span) => !waits(span)).sort((a, b) => a.from - b.from)) {
    const last = work.at(-1);
    const to = one.to ?? now;
    if (last && one.from <= last.to) last.to = Math.max(last.to, to);
    else work.push({ from: one.from, to });
  }
  const worked = work.reduce((sum, one) => sum + one.to - one.from, 0) || 1;
  const end = Math.max(...spans.map((one) => one.to ?? now));
  const cuts = [...work, { from: end, to: end }];
  const marks: [at: number, x: number][] = [];
  let x = 0;
  cuts.forEach((one, at) => {
    const before = cuts[at - 1];
    if (before) x += Math.min(Math.max(0, one.from - before.to), WAIT_SHARE * worked);
    marks.push([one.from, x]);
    x += one.to - one.from;
    marks.push([one.to, x]);
  });
  const place = (when: number) => {
    const after = marks.findIndex(([at]) => at >= when);
    if (after <= 0) return after === 0 ? 0 : 100;
    const [[t0, x0], [t1, x1]] = [marks[after - 1]!, marks[after]!];
    return (100 * (t1 === t0 ? x1 : x0 + ((x1 - x0) * (when - t0)) / (t1 - t0))) / (x || 1);
  };
  return { worked, place };
}
