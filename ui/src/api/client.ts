import type { Answer, Approval, Budget, Execution, ListedThread, Me, Message, Ok, Opened, Opinion, Point, Run, Served, State, StepChange, ThreadRow, Values, Verdict } from "./types";
import { Store } from "../state/store";
import { Problem } from "./problem";

// Every path is relative to the page, so that the service can be mounted under a prefix.
const base = new URL(".", document.baseURI).href;
const PERSON = "clearance.person";
let csrf: string | null = null;
/** A call was answered 401: whoever was signed in is so no more. */
export const signedOut = new Store(false);

/** The demo person that this tab plays in local mode; "" is oneself. */
export const person = {
  get: (): string => sessionStorage.getItem(PERSON) ?? "",
  set(name: string): void {
    if (name) sessionStorage.setItem(PERSON, name);
    else sessionStorage.removeItem(PERSON);
  },
};

function headers(more: Record<string, string> = {}): Record<string, string> {
  const named = person.get() ? { "X-Clearance-As": person.get() } : undefined;
  return { ...(csrf ? { "X-CSRF-Token": csrf } : {}), ...named, ...more };
}

function kindOf(body: unknown): Record<string, string> {
  if (body === undefined) return {};
  return { "Content-Type": body instanceof Blob ? "application/octet-stream" : "application/json" };
}

/** A `Blob` is sent as it is, anything else as JSON. Raises `Problem` for every answer that is no success, and where the server is not reached. */
export async function call(method: string, path: string, body?: unknown, signal?: AbortSignal, more?: Record<string, string>) {
  let answer: Response;
  try {
    answer = await fetch(base + path, {
      method,
      headers: headers({ ...kindOf(body), ...more }),
      body: body === undefined || body instanceof Blob ? (body ?? null) : JSON.stringify(body),
      signal: signal ?? null,
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) signedOut.set(true);
  const said: unknown = await answer.json().catch(() => null);
  const detail = said && typeof said === "object" && "detail" in said ? String(said.detail) : answer.statusText;
  throw new Problem(answer.status, detail, Number(answer.headers.get("Retry-After") ?? 0));
}

/** The answer as `T`. Raises `Problem`. */
export async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await call(method, path, body)).json() as Promise<T>;
}

const SHORT = ["thread_id", "metadata", "status", "updated_at", "interrupts"];
// Custom events alone: the state is read when something happened, so that a replay stays small.
const RUN = { assistant_id: "orchestrator", stream_mode: ["custom"], stream_resumable: true, on_disconnect: "continue" };

export const api = {
  ok: () => json<Ok>("GET", "ok"),
  served: () => json<Served>("GET", "settings"),
  async me(): Promise<Me> {
    const me = await json<Me>("GET", "auth/me");
    csrf = me.csrf_token;
    return me;
  },
  build: async () => (await json<{ server: { build: string } }>("GET", "info")).server.build,
  threads: (sought: string, limit: number, offset: number) =>
    json<{ threads: ListedThread[]; next: number | null }>("GET", `governance/threads?${new URLSearchParams({ q: sought, limit: String(limit), offset: String(offset) })}`),
  thread: async (id: string) => (await json<ThreadRow[]>("POST", "threads/search", { ids: [id], select: [...SHORT, "error"] }))[0],
  makeThread: (goal: string) => json<ThreadRow>("POST", "threads", { metadata: { goal, graph_id: "orchestrator" } }),
  mark: (id: string, metadata: Record<string, unknown>) => json<ThreadRow>("PATCH", `threads/${id}`, { metadata }),
  state: (id: string, at?: string) => json<State>("GET", at ? `threads/${id}/state/${at}` : `threads/${id}/state`),
  history: (id: string) => json<State[]>("POST", `threads/${id}/history`, { limit: 300 }),
  execution: (id: string) => json<Execution>("GET", `governance/executions/${id}`),
  records: (id: string, of: Record<string, string>) => json<Opened>("GET", `governance/executions/${id}/records?${new URLSearchParams(of)}`),
  /** The report as a file, under the name that the service gives it. */
  async report(id: string, format: "md" | "html" | "json"): Promise<File> {
    const answer = await call("GET", `governance/executions/${id}/report?format=${format}`);
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    return new File([await answer.blob()], name ?? `report.${format}`);
  },
  answer: async (id: string) => (await json<{ report: Answer }>("GET", `governance/executions/${id}/report?format=json`)).report,
  feedback: (id: string) => json<Opinion[]>("GET", `governance/executions/${id}/feedback`),
  judge: (id: string, thumb: Opinion["thumb"], comment: string) => json<Opinion>("POST", `governance/executions/${id}/feedback`, { thumb, comment }),
  /** `review`: the plan waits to be looked at before its first step. */
  say: (id: string, text: string, checkpoint?: Point | null, review = false) =>
    json<Run>("POST", `threads/${id}/runs`, {
      ...RUN,
      input: { messages: [{ role: "user", content: text }] },
      multitask_strategy: checkpoint ? "reject" : "enqueue",
      ...(checkpoint ? { checkpoint } : {}),
      ...(review ? { config: { configurable: { review_plan: true } } } : {}),
    }),
  resume: (id: string, interrupt: string, answer: unknown) =>
    json<Run>("POST", `threads/${id}/runs`, { ...RUN, command: { resume: { [interrupt]: answer } }, multitask_strategy: "reject" }),
  stop: (execution: string) => json<unknown>("POST", `governance/executions/${execution}/cancel`),
  stopRuns: (thread: string) => call("POST", "runs/cancel", { thread_id: thread, status: "all" }),
  steer: (execution: string, text: string) => json<unknown>("POST", `governance/executions/${execution}/steers`, { text }),
  editPlan: (execution: string, base: number, changes: StepChange[], reason: string) =>
    json<unknown>("POST", `governance/executions/${execution}/plan`, { base, changes, reason }),
  goOn: (id: string) => json<Run>("POST", `threads/${id}/runs`, { ...RUN, input: null, multitask_strategy: "reject" }),
  budgets: (run: string) => json<Budget[]>("GET", `governance/budgets?run=${run}`),
  raise: (run: string, scope: string, unit: string, amount: number) => json<Budget>("POST", "governance/budgets/raise", { run, scope, unit, amount }),
  approval: (id: string) => json<Approval>("GET", `governance/approvals/${id}`),
  vote: (id: string, verdict: Verdict, message: string, args?: Values | Record<string, unknown>) =>
    json<Approval>("POST", `governance/approvals/${id}/votes`, { verdict, message, ...(args ? { args } : {}) }),
};

/** A message's text: its content is a string, or blocks of which some are text. */
export function textOf(message: Message): string {
  if (typeof message.content === "string") return message.content;
  return message.content.map((block) => block.text ?? "").join("");
}
