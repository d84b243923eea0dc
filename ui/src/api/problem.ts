import { words } from "../words";

/** Why a call did not succeed: `status` is HTTP's, 0 where the server was not reached. */
export class Problem extends Error {
  constructor(readonly status: number, readonly detail: string, readonly retryAfter = 0) {
    super(detail);
  }

  /** The kind of problem in the page's words; `detail` says the rest in the server's. */
  get title(): string {
    return words.problems[this.status] ?? (this.status >= 500 ? words.problems[500] : words.problems[400]) ?? "";
  }
}

/** Anything that was thrown, as a problem. */
export function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, error instanceof Error ? error.message : String(error));
}
