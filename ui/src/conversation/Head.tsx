import { useEffect, useState } from "react";
import { api } from "../api/client";
import { type Problem, problemOf } from "../api/problem";
import { save, seconds } from "../format";
import { type Standing, Status } from "../shell/status";
import { liveOf, type Thread } from "../state/thread";
import { words } from "../words";

interface Given { thread: Thread; goal: string; status: Standing; stop: (() => void) | null; menu(): void; details(): void }

const FORMATS = ["md", "html", "json"] as const;

export function Head({ thread, goal, status, stop, menu, details }: Given) {
  const live = liveOf(thread);
  const steps = Object.values(live.steps).filter((one) => one.status !== "superseded");
  const done = steps.filter((one) => ["succeeded", "partial", "reused"].includes(one.status)).length;
  const all = live.plan?.steps.length ?? steps.length;
  const running = status.tone === "run";
  const now = useNow(running);
  const took = live.from === null ? "" : seconds(((running ? now : (live.to ?? now)) - live.from) / 1000);
  const kept = thread.execution?.usage;
  const tokens = Math.max(live.tokens, kept ? kept.input_tokens + kept.output_tokens : 0); // while it runs one or the other is ahead
  const cost = live.usd === null ? (tokens ? words.head.tokens(tokens.toLocaleString("en-US")) : "") : `$${live.usd.toFixed(2)}`;
  return (
    <header className="head">
      <h1 className="cut" title={goal}>{goal || words.untitled}</h1>
      <button className="btn only-narrow only-phone" onClick={menu}>{words.nav.open}</button>
      <span role="status"><Status {...status} /></span>
      <span className="small muted figures">{[took, all ? words.head.steps(done, all) : "", cost].filter(Boolean).join(" · ")}</span>
      {stop && <button className="btn" onClick={stop}>{words.head.stop}</button>}
      {thread.state?.values.answer && thread.execution && <Export thread={thread} />}
      <button className="btn only-narrow" onClick={details}>{words.nav.aside}</button>
    </header>
  );
}

function useNow(ticking: boolean): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => set(Date.now()), 500);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}

function Export({ thread }: { thread: Thread }) {
  const [open, setOpen] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { id } = thread.execution!;
  const ways: [string, () => unknown][] = [
    ...FORMATS.map((format): [string, () => unknown] => [words.report.exports[format], () => api.report(id, format).then(save, (error: unknown) => setProblem(problemOf(error)))]),
    [words.report.exports.print, () => window.print()],
  ];
  return (
    <div className="menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)} onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}>
      <button className="btn" aria-expanded={open} onClick={() => setOpen(!open)}>{words.head.export}</button>
      {open && <ul>{ways.map(([name, act]) => <li key={name}><button onClick={() => (act(), setOpen(false))}>{name}</button></li>)}</ul>}
      {problem && <p className="small" role="alert">{problem.title}</p>}
    </div>
  );
}
