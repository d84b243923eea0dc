import { call } from "./client";
import { problemOf, type Problem } from "./problem";

export interface SentEvent { event: string; data: string; id: string }

/** Splits what arrives into events. Made for one connection; a heartbeat is no event. */
export function parser(take: (event: SentEvent) => void): (chunk: string) => void {
  let rest = "";
  let now: SentEvent = { event: "", data: "", id: "" };
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (text === "") {
        if (now.event || now.data) take(now);
        now = { event: "", data: "", id: "" };
        continue;
      }
      const colon = text.indexOf(":");
      const field = colon < 0 ? text : text.slice(0, colon);
      const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
      if (field === "event") now.event = value;
      else if (field === "data") now.data = now.data ? `${now.data}\n${value}` : value;
      else if (field === "id") now.id = value;
    }
  };
}

export interface Following {
  path: string;
  /** The event behind which to begin; "" is only what comes, "-1" all there is. */
  after: string;
  take(event: SentEvent): void;
  /** Connected, or lost with the milliseconds until the next attempt; 0: there is none. */
  stands(lost: Problem | null, retryInMs: number): void;
  /** Resolves early when somebody asks to try again at once. */
  hurry?(): Promise<void>;
}

/** Follows a stream until `signal` says so; resumes behind the last event it saw, waiting longer after each failure, and at least as long
 *  as the server asks. What is not there, or not the caller's, is told once and not tried again. */
export async function follow(options: Following, signal: AbortSignal): Promise<void> {
  let last = options.after;
  let failures = 0;
  let told = 0; // how long the server asked to wait
  while (!signal.aborted) {
    try {
      const answer = await call("GET", options.path, undefined, signal, last ? { "Last-Event-ID": last } : {});
      failures = 0;
      options.stands(null, 0);
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      const feed = parser((event) => {
        if (event.id) last = event.id;
        options.take(event);
      });
      for (let part = await reader.read(); !part.done; part = await reader.read()) feed(part.value);
    } catch (error) {
      if (signal.aborted) return;
      const problem = problemOf(error);
      if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) return options.stands(problem, 0);
      told = 1000 * problem.retryAfter;
    }
    if (signal.aborted) return;
    failures += 1;
    const wait = Math.max(told, Math.min(30_000, 1000 * 2 ** (failures - 1)));
    told = 0;
    options.stands(problemOf(null), wait);
    await Promise.race([pause(wait, signal), options.hurry?.() ?? new Promise<void>(() => undefined)]);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}
