import { memo, useState } from "react";
import { textOf } from "../api/client";
import type { Cited, Message } from "../api/types";
import { Answered } from "./Answered";
import { Markdown } from "../report/lazy";
import type { Thread, ThreadStore } from "../state/thread";
import { words } from "../words";
import { GoalBubble } from "./GoalBubble";

const FIRST = 40;
const MORE = 20;
interface Given { messages: Message[]; cite(cited: Cited): void; thread: Thread; store: ThreadStore; edited: number; edit(at: number): void }

/** What was said, the newest of it at once; more of the past on wish, so that a long thread is as quick as a short one. */
export function Messages({ messages, cite, thread, store, edited, edit }: Given) {
  const [shown, show] = useState(FIRST);
  const hidden = Math.max(0, messages.length - shown);
  return (
    <>
      {hidden > 0 && <button className="btn earlier" onClick={() => show(shown + MORE)}>{words.earlier(hidden)}</button>}
      {messages.slice(hidden).map((one, n) => <Said key={one.id} message={one} cite={cite} at={hidden + n} thread={thread} store={store} editing={edited === hidden + n} edit={edit} />)}
    </>
  );
}

interface One { message: Message; cite(cited: Cited): void; at: number; thread: Thread; store: ThreadStore; editing: boolean; edit(at: number): void }

/** Drawn again only when it, or what there is to say of its branches, changed: its thread changes with every event. */
const Said = memo(
  ({ message, cite, at, thread, store, editing, edit }: One) =>
    message.type === "human" ? <GoalBubble message={message} at={at} thread={thread} store={store} editing={editing} edited={() => edit(-1)} />
      : message.additional_kwargs?.execution_id ? <Answered message={message} of={message.additional_kwargs} cite={cite} />
      : <article className="said"><Markdown text={textOf(message)} /></article>,
  (a, b) => a.message.id === b.message.id && textOf(a.message) === textOf(b.message) && a.at === b.at && a.editing === b.editing
    && a.thread.history === b.thread.history && a.thread.row?.metadata.forked === b.thread.row?.metadata.forked,
);
