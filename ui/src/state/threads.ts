import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import type { ListedThread } from "../api/types";
import { Store } from "./store";

/** The list on the left: what `sought` finds, as far as it was asked for. `more`: there are others after it. */
export interface Threads { rows: ListedThread[] | null; more: boolean; sought: string; problem: Problem | null }

export const threads = new Store<Threads>({ rows: null, more: false, sought: "", problem: null });
const EVERY_MS = 15_000;
const PAGE = 60;
let shown = PAGE;
let soon: ReturnType<typeof setTimeout> | null = null;

/** Read again when something happened, and now and then for what others did. */
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

export function startThreads(): () => void {
  void readThreads();
  const timer = setInterval(() => document.visibilityState === "visible" && threadsChanged(), EVERY_MS);
  return () => clearInterval(timer);
}
