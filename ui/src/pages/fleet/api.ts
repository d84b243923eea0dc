import { call, json } from "../../api/client";

export interface Suspension { kind: Kind; name: string; by: string; reason: string; at: string }
export type Kind = "specialist" | "tool";
export interface Tries { of: number; done: number; failed: number; last_used: string | null }
export interface Calls { calls: number; failed: number; denied: number; p50_ms: number | null; p95_ms: number | null; last_used: string | null }
export interface Access { data_classes: string[]; effect: string; egress: boolean; approvers: string[]; labels: string[] }
export interface Specialist {
  name: string; title: string; purpose: string; core: boolean; makes: { name: string; title: string }[]; tools: string[]; fallbacks: string[];
  owner: string; version: string; model: string; access: Access; health: Tries; suspended: Suspension | null;
}
export interface Tool {
  name: string; description: string; makes: string | null; specialists: string[]; effect: string; data_class: string; output: string;
  egress: boolean; approvers: string[]; compensation: string | null; owner: string; version: string; fingerprint: string; health: Calls;
  suspended: Suspension | null;
}
export interface Connector { name: string; title: string; reachable: boolean; rows: number | null; as_of: string; source: string; problem: string }
export interface Model { name: string; where: string; configured: boolean; roles: string[]; health: Tries }
export interface Fleet { since: string; may_suspend: boolean; specialists: Specialist[]; tools: Tool[]; connectors: Connector[]; models: Model[] }

export const fleet = {
  read: () => json<Fleet>("GET", "governance/fleet"),
  change: (what: "suspend" | "resume", kind: Kind, name: string, reason: string) => call("POST", `governance/fleet/${what}`, { kind, name, reason }),
};
