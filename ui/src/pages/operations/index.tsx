import { useState } from "react";
import { humanize, reveal, seconds } from "../../format";
import { useAsked } from "../../state/useAsked";
import { words } from "../../words";
import { Choice, PageHead } from "../parts/Page";
import { Figures, Plain, Until } from "../parts/Plain";
import { type Behind, operations, type Operations as Found } from "./api";
import { Runs } from "./Runs";

const say = words.operations;
const DAYS = [1, 7, 30, 365];
/** Outcomes that are told when there is none of them, too. */
const MAIN = new Set(["success", "partial", "failed", "waiting"]);

/** How the organisation's goals went. Each number opens the runs that it counts. */
export default function Operations() {
  const [days, setDays] = useState("30");
  const read = useAsked(() => operations.read(new Date(Date.now() - Number(days) * 86_400_000).toISOString()), [days]);
  return (
    <>
      <PageHead title={words.pages.operations!} about={say.about}>
        <Choice label={say.window} value={days} options={DAYS.map((n) => [String(n), say.days(n)])} choose={setDays} />
      </PageHead>
      <Until read={read}>{(now) => <Shown key={now.since} now={now} />}</Until>
    </>
  );
}

interface Opened { what: string; runs: Behind }

function Shown({ now }: { now: Found }) {
  const [opened, open] = useState<Opened | null>(null);
  const behind = (what: string, runs: Behind) => ({
    ...(runs.total ? { open: () => open(opened?.what === what ? null : { what, runs }) } : {}),
    pressed: opened?.what === what,
  });
  const button = (what: string, runs: Behind) => {
    const { open: act, pressed } = behind(what, runs);
    return act && <button className="link" aria-expanded={pressed} onClick={act}>{say.runs(runs.total)}<span className="sr">{say.of(what)}</span></button>;
  };
  const { usage, waiting } = now;
  const all: Behind = { total: now.goals.reduce((sum, one) => sum + one.count, 0), newest: [], filter: {} };
  return (
    <>
      <section>
        <h2>{say.goals}</h2>
        <Figures
          items={[
            { label: say.success, value: now.success_rate === null ? "–" : `${Math.round(now.success_rate * 100)} %`, ...behind(say.success, all) },
            ...now.goals.filter((one) => one.count || MAIN.has(one.outcome)).map((one) => ({
              label: say.outcomes[one.outcome] ?? one.outcome, value: one.count,
              ...(one.count && one.outcome === "failed" ? { tone: "bad" } : one.count && one.outcome === "waiting" ? { tone: "wait" } : {}),
              ...behind(say.outcomes[one.outcome] ?? one.outcome, one.runs),
            })),
            { label: usage.cost === null ? say.noPrice : say.cost, value: usage.cost === null ? "–" : `$${usage.cost.toFixed(2)}`, ...behind(say.cost, all) },
            { label: say.tokens, value: (usage.input_tokens + usage.output_tokens).toLocaleString("en-US"), ...behind(say.tokens, all) },
            { label: say.calls, value: usage.model_calls.toLocaleString("en-US"), ...behind(say.calls, all) },
          ]}
        />
      </section>
      <section>
        <h2>{say.approvals}</h2>
        <Figures
          items={[
            { label: say.decided, value: waiting.decided, ...behind(say.decided, waiting.runs) },
            { label: say.waiting, value: seconds(waiting.p50_seconds) || "–", ...behind(say.waiting, waiting.runs) },
            { label: say.waiting95, value: seconds(waiting.p95_seconds) || "–", ...behind(say.waiting95, waiting.runs) },
            ...now.approvals.filter((one) => one.count).map((one) => ({ label: say.verdicts[one.verdict] ?? one.verdict, value: one.count, ...behind(say.verdicts[one.verdict] ?? one.verdict, one.runs) })),
          ]}
        />
      </section>
      {opened && <Runs key={opened.what} what={opened.what} window={now} filter={opened.runs.filter} close={() => open(null)} />}
      <section>
        <h2>{say.failing}</h2>
        <Plain caption={say.failing} head={say.failingHead} empty={say.none} rows={now.failing_tools.map((one) => [<span className="mono">{one.tool}</span>, one.calls, one.failed, one.denied, button(one.tool, one.runs)])} />
      </section>
      <section>
        <h2>{say.steps}</h2>
        <Plain caption={say.steps} head={say.stepsHead} rows={now.steps.map((one) => [humanize(one.specialist), one.count, seconds(one.p50_seconds), seconds(one.p95_seconds), button(humanize(one.specialist), one.runs)])} />
      </section>
      <section>
        <h2>{say.largest}</h2>
        <Plain
          caption={say.largest}
          head={say.largestHead}
          rows={usage.largest.map((one) => [
            one.run.thread_id ? <a href={`#/t/${one.run.thread_id}`}>{reveal(one.goal)}</a> : reveal(one.goal), one.tokens.toLocaleString("en-US"),
          ])}
        />
      </section>
      <section>
        <h2>{say.slowest}</h2>
        <Plain
          caption={say.slowest}
          head={say.slowestHead}
          rows={now.slowest_steps.map((one) => [
            <span className="mono">{reveal(one.step_id)}</span>, humanize(one.specialist), words.steps[one.status] ?? one.status, seconds(one.seconds),
            one.run.thread_id && <a href={`#/t/${one.run.thread_id}`} aria-label={`${say.open} ${one.step_id}`}>{say.open}</a>,
          ])}
        />
      </section>
    </>
  );
}
