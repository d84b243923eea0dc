import { useSyncExternalStore } from "react";

/** Where the page is: a thread, a page by name, or the beginning. */
export type Route = { kind: "home" } | { kind: "thread"; id: string } | { kind: "page"; name: string; rest: string[] };

/** Where the page was when it was loaded. */
export const arrived = location.hash;

export function parse(hash: string): Route {
  const [first = "", ...rest] = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  if (!first) return { kind: "home" };
  return first === "t" && rest[0] ? { kind: "thread", id: rest[0] } : { kind: "page", name: first, rest };
}

export function go(path: string): void {
  location.hash = `#/${path}`;
}

const listen = (reader: () => void) => {
  addEventListener("hashchange", reader);
  return () => removeEventListener("hashchange", reader);
};

export function useHash(): string {
  return useSyncExternalStore(listen, () => location.hash);
}
