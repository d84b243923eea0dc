import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import type { ListedThread } from "../api/types";
import { inbox } from "./inbox";
import { Store } from "./store";

/** The list on the left: what `sought` finds, as far as it was asked for. `more`: there are others after it. */
export interface Threads { rows: ListedThread[] | null; more: boolean; sought: string; problem: Problem | null }

export const threads = new Store<Threads>({ rows: null, more: false, sought: "", problem: null });
const PAGE = 60;
let shown = PAGE;
let soon: ReturnType<typeof setTimeout> | null = null;

export async function readThreads(): Promise<void> {
  const { sought } = threads.get();
  try {
    const pages = await Promise.all(Array.from({ length: Math.ceil(shown / PAGE) }, (_, at) => api.threads(sought, PAGE, at * PAGE)));
    if (threads.get().sought !== sought) return; // a newer search is under way
    const rows = new Map(pages.flatMap((page) => page.threads.map((one) => [one.thread_id, one] as const)));
    threads.change({ rows: [...rows.values()], more: pages.at(-1)!.next !== null, problem: null });
  } catch (error) {
    threads.change({ problem: problemOf(error) });
  }
}

/** Several reasons within a moment are one reading. */
export function threadsChanged(): void {
  soon ??= setTimeout(() => ((soon = null), void readThreads()), 250);
}

export function seek(sought: string): void {
  shown = PAGE;
  threads.change({ sought });
  threadsChanged();
}

export function showMore(): void {
  shown += PAGE;
  void readThreads();
}

/** Reads the list, and again whenever the person's stream tells of a change, while the tab is seen. */
export function startThreads(): () => void {
  void readThreads();
  const seen = () => document.visibilityState === "visible" && threadsChanged();
  const end = inbox.subscribe(seen);
  document.addEventListener("visibilitychange", seen);
  return () => (end(), document.removeEventListener("visibilitychange", seen));
}
