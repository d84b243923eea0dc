import { person } from "../api/client";
import { follow, type SentEvent } from "../api/sse";
import type { Approval } from "../api/types";
import { Store } from "./store";

/** What is open for this person. One tab of a browser holds the stream and tells the others. */
export interface Inbox { ready: boolean; open: Record<string, Approval>; closed: Record<string, { status: string; decided_by: string[] }> }

export const inbox = new Store<Inbox>({ ready: false, open: {}, closed: {} });

export function startInbox(): () => void {
  const name = `clearance.inbox.${new URL(".", document.baseURI).pathname}.${person.get()}`;
  const channel = new BroadcastChannel(name);
  const stop = new AbortController();
  let leads = false;
  const tell = () => channel.postMessage({ kind: "inbox", inbox: inbox.get() });
  channel.onmessage = ({ data }: MessageEvent<{ kind: string; inbox?: Inbox }>) => {
    if (data.kind === "ask" && leads) tell();
    else if (data.kind === "inbox" && data.inbox && !leads) inbox.set(data.inbox);
  };
  channel.postMessage({ kind: "ask" });
  const lead = async () => {
    leads = true;
    await follow(
      {
        path: "governance/inbox/stream",
        after: "",
        take: (event) => (taken(event), tell()),
        // a new connection begins with all that is open
        stands: (lost) => !lost && inbox.change({ ready: false }),
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
  } else if (event === "ready") {
    inbox.change({ ready: true, open: Object.fromEntries(first) });
    first = new Map();
  }
}
