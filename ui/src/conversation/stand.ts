import type { Approval } from "../api/types";
import type { Standing } from "../shell/status";
import type { Thread } from "../state/thread";
import { words } from "../words";

/** The approvals of the thread's execution that are still open. */
export function openIn(thread: Thread): Approval[] {
  return (thread.execution?.approvals ?? []).filter((one) => one.status === "pending");
}

/** How the thread stands. `mine`: the approvals that this person may see open. */
export function stand(thread: Thread, mine: string[]): Standing {
  const open = openIn(thread);
  if (open.length) return open.some((one) => mine.includes(one.id)) || !mine.length ? { tone: "wait", text: words.status.needs_you } : { tone: "wait", text: words.status.waiting };
  if (thread.row?.status === "busy" || thread.lives.running.length || thread.said) return { tone: "run", text: words.status.running };
  if (thread.row?.status === "error") return { tone: "bad", text: words.status.failed };
  if (thread.state?.interrupts.length && thread.execution?.status !== "cancelled") return { tone: "wait", text: words.status.needs_you };
  if (thread.execution?.status === "cancelled") return { tone: "idle", text: words.status.stopped };
  if (thread.state?.values.answer?.status === "failed") return { tone: "bad", text: words.status.failed };
  if (thread.state?.values.answer?.status === "partial") return { tone: "ok", text: words.status.partial };
  return thread.state?.values.messages?.length ? { tone: "ok", text: words.status.done } : { tone: "idle", text: words.status.new };
}
