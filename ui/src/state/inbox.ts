import { person } from "../api/client";
import { follow, type SentEvent } from "../api/sse";
import type { Approval } from "../api/types";
import { Store } from "./store";

/** What a person is told besides a running thread's own stream. One tab of a browser holds the connection and tells the others. */
export interface Inbox {
  ready: boolean; open: Record<string, Approval>; closed: Record<string, { status: string; decided_by: string[] }>;
  /** Threads that changed since the connection began. */
  threads: Record<string, { status: string; updated_at: string }>;
  /** The connection is gone, and is tried again at this time (milliseconds since 1970). */
  lost: { retryAt: number } | null;
  /** Counts connections: at each new one what is shown is read again, for something may have happened in between. */
  turn: number;
}

interface Told { kind: "ask" | "hurry" | "inbox"; inbox?: Inbox }

export const inbox = new Store<Inbox>({ ready: false, open: {}, closed: {}, threads: {}, lost: null, turn: 0 });
let hurry: () => void = () => undefined;

/** Tries the connection again at once, whichever tab holds it. */
export function hurryInbox(): void {
  hurry();
}

export function startInbox(): () => void {
  const name = `clearance.inbox.${new URL(".", document.baseURI).pathname}.${person.get()}`;
  const channel = new BroadcastChannel(name);
  const send = (told: Told) => channel.postMessage(told);
  const stop = new AbortController();
  let leads = false;
  hurry = () => send({ kind: "hurry" });
  const tell = () => send({ kind: "inbox", inbox: inbox.get() });
  channel.onmessage = ({ data }: MessageEvent<Told>) => {
    if (data.kind === "ask" && leads) tell();
    else if (data.kind === "hurry" && leads) hurry();
    else if (data.kind === "inbox" && data.inbox && !leads) inbox.set(data.inbox);
  };
  send({ kind: "ask" });
  const lead = async () => {
    leads = true;
    await follow(
      {
        path: "governance/inbox/stream",
        after: "",
        take: (event) => (taken(event), tell()),
        stands: (lost, wait) => {
          // a new connection begins with all that is open
          inbox.change(lost ? { lost: wait ? { retryAt: Date.now() + wait } : null } : { ready: false, lost: null });
          tell();
        },
        hurry: () => new Promise((done) => (hurry = done)),
      },
      stop.signal,
    );
  };
  if (navigator.locks) navigator.locks.request(name, { signal: stop.signal }, lead).catch(() => undefined);
  else void lead();
  return () => (stop.abort(), channel.close());
}

let first = new Map<string, Approval>();

function taken({ event, data }: SentEvent): void {
  const now = inbox.get();
  if (event === "open") {
    const row = JSON.parse(data) as Approval;
    if (now.ready) inbox.change({ open: { ...now.open, [row.id]: row } });
    else first.set(row.id, row);
  } else if (event === "closed") {
    const { id, ...rest } = JSON.parse(data) as { id: string; status: string; decided_by: string[] };
    const { [id]: _gone, ...open } = now.open;
    inbox.change({ open, closed: { ...now.closed, [id]: rest } });
  } else if (event === "thread") {
    const { thread_id, ...rest } = JSON.parse(data) as { thread_id: string; status: string; updated_at: string };
    inbox.change({ threads: { ...now.threads, [thread_id]: rest } });
  } else if (event === "ready") {
    inbox.change({ ready: true, open: Object.fromEntries(first), threads: {}, turn: now.turn + 1 });
    first = new Map();
  }
}
