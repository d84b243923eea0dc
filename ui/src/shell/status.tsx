import type { ListedThread } from "../api/types";
import { words } from "../words";

export type Tone = "wait" | "ok" | "run" | "bad" | "idle";
export interface Standing { tone: Tone; text: string }

const TONES: Record<ListedThread["status"], Tone> = {
  needs_you: "wait", waiting: "idle", running: "run", done: "ok", failed: "bad", stopped: "idle", declined: "idle", new: "idle",
};

/** A thread of the list in a word, or with how far it is. */
export function standing(row: ListedThread): Standing {
  const tone = TONES[row.status];
  if (row.yours) return { tone, text: words.status.approvals(row.yours) };
  if (row.status === "needs_you") return { tone, text: words.status.question };
  if (row.status === "running" && row.steps) return { tone, text: words.head.steps(row.done, row.steps) };
  if (row.status === "done" && row.answer === "partial") return { tone, text: words.status.partial };
  return { tone, text: words.status[row.status] };
}

export function Status({ tone, text }: Standing) {
  return <span className={`st ${tone}`}>{text}</span>;
}
