import { type DependencyList, useCallback, useEffect, useState } from "react";
import { problemOf, type Problem } from "../api/problem";

export interface Read<T> { data: T | null; problem: Problem | null; loading: boolean; again(): void }

/** What a call answered; asked again when `on` changes or `again` is called. An answer that came too late is dropped. */
export function useAsked<T>(ask: () => Promise<T>, on: DependencyList): Read<T> {
  const [read, set] = useState<Omit<Read<T>, "again">>({ data: null, problem: null, loading: true });
  const [turn, next] = useState(0);
  useEffect(() => {
    let gone = false;
    set((before) => ({ ...before, loading: true }));
    ask().then(
      (data) => gone || set({ data, problem: null, loading: false }),
      (error: unknown) => gone || set((before) => ({ ...before, problem: problemOf(error), loading: false })),
    );
    return () => void (gone = true);
  }, [...on, turn]);
  return { ...read, again: useCallback(() => next((one) => one + 1), []) };
}
