import { useEffect, useRef } from "react";
import type { Asked } from "../api/types";
import { openIn } from "../conversation/stand";
import type { Thread, ThreadStore } from "../state/thread";
import { words } from "../words";
import { ApprovalCard, Late } from "./ApprovalCard";
import { Question } from "./Question";

/** All that waits for a person in this thread: approvals one by one, or another question of the graph. */
export function Decisions({ thread, store }: { thread: Thread; store: ThreadStore }) {
  const open = openIn(thread);
  const heading = useRef<HTMLHeadingElement>(null);
  const greeted = useRef(false);
  const asking = open.length > 0;
  useEffect(() => {
    // Once a pause, and never away from what somebody is typing.
    if (asking && !greeted.current && !isTyping()) heading.current?.focus({ preventScroll: true });
    greeted.current = asking;
  }, [asking]);
  const late = thread.late && <Late row={thread.late} dismiss={() => store.change({ late: null })} />;
  const [first] = open;
  if (first) {
    const current = (thread.execution?.approvals ?? []).filter((one) => !["superseded", "void"].includes(one.status));
    const all = current.length;
    return (
      <section aria-label={words.approval.dock} className="asks">
        <h2 className="sr" tabIndex={-1} ref={heading}>{words.approval.dock}: {words.approval.progress(all - open.length, all)}</h2>
        {late}
        <ApprovalCard key={first.id} approval={first} progress={all > 1 ? words.approval.progress(all - open.length, all) : ""} done={(row, late) => store.voted(row, late)} refresh={() => store.changed()} />
      </section>
    );
  }
  if (thread.execution?.status === "cancelled" || thread.lives.running.length) return late;
  return (
    <>
      {late}
      {(thread.state?.interrupts ?? []).map((one) => {
        const asked = one.value as Partial<Asked> | null;
        // Approvals are decided in their table; their interrupt goes on by itself.
        return asked?.approvals?.length ? null : <Question key={one.id} interrupt={one} answer={(value) => store.resume(one.id, value)} />;
      })}
    </>
  );
}

function isTyping(): boolean {
  const at = document.activeElement;
  return (at instanceof HTMLTextAreaElement || at instanceof HTMLInputElement) && at.value !== "";
}
