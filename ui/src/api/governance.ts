import { call, json } from "./client";
import type { Approval } from "./types";

// What only the pages beside the conversation ask for.

export interface LedgerEntry {
  seq: number; hash: string; at: string; phase: string; outcome: string; user: string; agent: string; tool: string; step_id: string;
  execution_id: string; rules: string[]; reasons: string[]; approval_id: string | null; [more: string]: unknown;
}
export interface Entries { records: LedgerEntry[]; next: number | null }
export interface Finding { sound: boolean; faults: { [name: string]: unknown }[]; entries: Record<string, number>; unsigned: Record<string, number>; erased: number }
export interface Asked { execution_id: string; phase: string; outcome: string; tool: string; user: string; since: string; until: string }

export interface Rule { id: string; permits: boolean; outcome: string; reason: string; approver: string; quorum: number; separate: boolean; where: string; roles: string[]; escalate: string[] }
export interface Bundle { valid: boolean; version: string | null; policies: Rule[]; problems: { where: string; message: string }[] }
export interface Matrix { version: string; tainted: boolean; roles: string[]; rows: { agent: string; tool: string; outcomes: Record<string, string> }[] }
export interface PolicyCall { tool: string; agent: string; args: Record<string, unknown>; roles: string[]; request: string; planned?: string[]; labels: string[] }
export interface Explained {
  outcome: string; asks: string; version: string; tool: string; labels: string[]; rules: { id: string; reason: string; where: string }[];
  changes: { words: string[]; outcome: string }[];
}

export interface Delegation { id: string; giver: string; taker: string; role: string; tool: string | null; made_at: string; until: string; revoked_at: string | null }

const query = (asked: Record<string, string | number | undefined>) =>
  new URLSearchParams(Object.entries(asked).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]))).toString();

export const audit = {
  entries: (asked: Asked, before?: number) => json<Entries>("GET", `governance/audit/records?${query({ ...asked, before, limit: 50 })}`),
  verify: () => json<Finding>("GET", "governance/audit/verify"),
  heads: async () => (await call("GET", "governance/audit/heads")).text(),
  bundle: async (run: string) => (await call("GET", `governance/audit/runs/${encodeURIComponent(run)}/bundle`)).text(),
  events: async (run: string) => (await call("GET", `governance/audit/runs/${encodeURIComponent(run)}/cloudevents`)).text(),
};

export const policies = {
  rules: () => json<Bundle>("GET", "governance/policies"),
  files: async () => (await json<{ files: Record<string, string> }>("GET", "governance/policies/files")).files,
  matrix: (tainted: boolean) => json<Matrix>("GET", `governance/policies/matrix?tainted=${tainted}`),
  explain: (body: PolicyCall) => json<Explained>("POST", "governance/policies/explain", body),
};

export const approvals = {
  decided: () => json<Approval[]>("GET", "governance/approvals/decided"),
  delegations: () => json<Delegation[]>("GET", "governance/delegations"),
  delegate: (body: { to: string; role: string; until: string; tool: string | null }) => json<Delegation>("POST", "governance/delegations", body),
  revoke: (id: string) => json<Delegation>("DELETE", `governance/delegations/${id}`),
};
