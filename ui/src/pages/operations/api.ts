import { json } from "../../api/client";

export type Filter = Record<string, string | boolean | null>;
export interface RunRef { execution_id: string; thread_id: string | null }
export interface Behind { total: number; newest: RunRef[]; filter: Filter }
export interface Counted { count: number; runs: Behind }
export interface Operations {
  since: string; until: string; goals: (Counted & { outcome: string })[]; success_rate: number | null;
  usage: { model_calls: number; input_tokens: number; output_tokens: number; cost: number | null; largest: { run: RunRef; goal: string; tokens: number }[] };
  waiting: { decided: number; p50_seconds: number | null; p95_seconds: number | null; runs: Behind };
  approvals: (Counted & { verdict: string })[];
  steps: (Counted & { specialist: string; p50_seconds: number; p95_seconds: number })[];
  slowest_steps: { run: RunRef; step_id: string; attempt: number; specialist: string; status: string; seconds: number }[];
  failing_tools: { tool: string; calls: number; failed: number; denied: number; runs: Behind }[];
}
export interface Run extends RunRef { goal: string; requester: string; outcome: string; created: string; ended: string | null }

const query = (of: Filter) => new URLSearchParams(Object.entries(of).flatMap(([name, value]) => (value ? [[name, String(value)]] : [])));

export const operations = {
  read: (since: string) => json<Operations>("GET", `governance/operations?${query({ since })}`),
  runs: (window: { since: string; until: string }, filter: Filter, before: string | null) =>
    json<{ runs: Run[]; next: string | null }>("GET", `governance/operations/runs?${query({ ...filter, since: window.since, until: window.until, before })}`),
};
