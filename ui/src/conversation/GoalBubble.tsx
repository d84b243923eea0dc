import { useEffect, useState } from "react";
import { textOf } from "../api/client";
import type { Message, State } from "../api/types";
import { reveal } from "../format";
import type { Thread, ThreadStore } from "../state/thread";
import { words } from "../words";

interface Given { message: Message; at: number; thread: Thread; store: ThreadStore; editing: boolean; edited(): void }

/** What a person said; it can be said differently, which makes a branch. */
export function GoalBubble({ message, at, thread, store, editing: asked, edited }: Given) {
  const text = textOf(message);
  const [own, setEditing] = useState<string | null>(null);
  const editing = own ?? (asked ? text : null);
  const end = () => (setEditing(null), edited());
  const branches = branchesOf(thread, at);
  const mine = branches.findIndex((one) => one.message === message.id);
  const forked = thread.row?.metadata.forked === true;
  useEffect(() => {
    if (forked && !thread.history) void store.readHistory();
  }, [forked, store, thread.history]);
  if (editing !== null)
    return (
      <form className="goal editing" onSubmit={(event) => (event.preventDefault(), void store.edit(message, editing.trim()), end())}>
        <textarea autoFocus className="field" rows={3} aria-label={words.edit.label} value={editing} onChange={(event) => setEditing(event.target.value)} />
        <div className="row">
          <button className="btn primary" disabled={!editing.trim() || editing.trim() === text}>{words.edit.send}</button>
          <button type="button" className="btn" onClick={end}>{words.edit.cancel}</button>
        </div>
      </form>
    );
  const turn = (by: number) => {
    const to = branches[mine + by];
    if (to) void store.look(mine + by === branches.length - 1 ? null : (to.leaf.checkpoint?.checkpoint_id ?? null));
  };
  return (
    <div className="goalrow">
      <div className="tools small">
        {branches.length > 1 && mine >= 0 && (
          <span className="row" role="group" aria-label={words.edit.branch(mine + 1, branches.length)}>
            <button aria-label={words.edit.before} disabled={mine === 0} onClick={() => turn(-1)}>‹</button>
            {mine + 1}/{branches.length}
            <button aria-label={words.edit.next} disabled={mine === branches.length - 1} onClick={() => turn(1)}>›</button>
          </span>
        )}
        <button className="link" onClick={() => setEditing(text)}>{words.edit.button}</button>
      </div>
      <div className="goal"><span className="sr">{words.you}: </span>{reveal(text)}</div>
    </div>
  );
}

/** The messages that were said at this place, the oldest first, each with the newest state that follows from it. */
function branchesOf(thread: Thread, at: number): { message: string; leaf: State }[] {
  const before = thread.state?.values.messages?.slice(0, at).map((one) => one.id).join() ?? "";
  const found = new Map<string, State>();
  for (const state of thread.history ?? []) {
    const said = state.values.messages ?? [];
    const one = said[at];
    if (one?.type !== "human" || said.slice(0, at).map((other) => other.id).join() !== before) continue;
    if (!found.has(one.id)) found.set(one.id, state);
  }
  return [...found].map(([message, leaf]) => ({ message, leaf })).sort((a, b) => (a.leaf.created_at ?? "").localeCompare(b.leaf.created_at ?? ""));
}
