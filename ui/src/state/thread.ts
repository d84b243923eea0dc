import { api } from "../api/client";
import { Problem, problemOf } from "../api/problem";
import { follow } from "../api/sse";
import type { Approval, Execution, Message, RunEvent, State, ThreadRow } from "../api/types";
import { type Lives, NOTHING, reduce, START } from "./live";
import { inSlot } from "./slots";
import { Store } from "./store";
import { threadsChanged } from "./threads";

export interface Thread {
  id: string; loading: boolean; row: ThreadRow | null; state: State | null; execution: Execution | null; lives: Lives;
  /** Why the thread cannot be shown. */
  problem: Problem | null;
  /** Why the last thing that the person did was refused. */
  refused: Problem | null;
  /** An approval that somebody else had decided when this person voted. */
  late: Approval | null;
  lost: { retryAt: number } | null;
  /** Sent, and not in the state yet. */
  said: string | null;
  /** Said to the run that is going on, which has not answered yet. */
  heard: string[];
  /** This page stopped the run. */
  stopped: boolean;
  /** The checkpoint that is looked at instead of the newest: another branch, or the past. */
  at: string | null;
  history: State[] | null;
}

const SETTLE_MS = 120;
const STOPPING_MS = 1000;
const QUIET_MS = 2000;
const TELLING = new Set(["waiting_approval", "waiting_external", "failed", "succeeded"]);

/** A thread that is on the page: reads its state when something happened, and follows its stream while it is seen and runs.
 *
 *  The stream is held from when the thread is opened, something is done to it or is told of it, until nothing ran for a moment: a
 *  browser has few connections, and many tabs wait. What begins then is told on the stream that all tabs share (`inbox.ts`).
 */
export class ThreadStore extends Store<Thread> {
  private stop: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private idle: ReturnType<typeof setTimeout> | null = null;
  private follows = false;
  private turn = 0;
  private reading = false;
  private again = false;
  private hurry: () => void = () => undefined;

  constructor(readonly id: string) {
    super({
      id, loading: true, row: null, state: null, execution: null, lives: START, problem: null, refused: null, late: null, lost: null,
      said: null, heard: [], stopped: false, at: null, history: null,
    });
  }

  open(): () => void {
    void this.read();
    this.listen();
    const seen = () => (document.visibilityState === "visible" ? (this.changed(), this.listen()) : this.disconnect());
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      this.disconnect();
      if (this.timer) clearTimeout(this.timer);
    };
  }

  /** The shared stream told that the thread stands so now. */
  told(status: string): void {
    this.changed();
    if (status === "busy") this.listen();
  }

  /** Something changed on the server: read it once things have settled. */
  changed(): void {
    this.timer ??= setTimeout(() => ((this.timer = null), void this.read()), SETTLE_MS);
  }

  retry(): void {
    this.hurry();
  }

  async read(): Promise<void> {
    if (this.reading) return void (this.again = true);
    this.reading = true;
    const turn = this.turn;
    try {
      const at = this.get().at;
      const [row, state] = await Promise.all([api.thread(this.id), api.state(this.id, at ?? undefined)]);
      if (!row) throw new Problem(404, "");
      // while the goal is read the state may name an execution that is only about to be made
      const executing = state.values.status === "goal" ? undefined : state.values.execution_id;
      const execution = executing ? await api.execution(executing).catch(() => null) : null;
      if (turn !== this.turn) return void (this.again = true); // it may not know yet what the person just decided
      const said = this.get().said;
      const arrived = said !== null && state.values.messages?.some((one) => one.type === "human" && one.content === said);
      const heard = ["running", "waiting"].includes(execution?.status ?? "") ? this.get().heard.filter((text) => !state.values.messages?.some((one) => one.content === text)) : [];
      this.change({ row, state, execution, loading: false, problem: null, heard, ...(arrived ? { said: null } : {}) });
      if (row.status === "busy") this.listen();
      if (execution?.status === "stopping") setTimeout(() => this.changed(), STOPPING_MS); // no event tells its end
      threadsChanged();
    } catch (error) {
      const problem = problemOf(error);
      const gone = problem.status >= 400 && problem.status < 500; // what is shown stays, and does not go on
      this.change({ loading: false, ...(this.get().state ? gone && { refused: problem } : { problem }) });
    } finally {
      this.reading = false;
      if (this.again) ((this.again = false), this.changed());
    }
  }

  async say(text: string, checkpoint?: State["checkpoint"]): Promise<boolean> {
    const from = checkpoint ?? (this.get().at ? this.get().state?.checkpoint : null);
    this.change({ said: text, at: null });
    return this.tried(async () => {
      await api.say(this.id, text, from);
      this.changed();
    });
  }

  /** Changes the plan of a run that is going on. What was heard is shown until the run has taken it up. */
  async steer(text: string): Promise<boolean> {
    return this.tried(async () => {
      await api.steer(this.get().execution!.id, text);
      this.change({ heard: [...this.get().heard, text] });
    });
  }

  resume = (interrupt: string, answer: unknown) => this.tried(async () => void (await api.resume(this.id, interrupt, answer)));

  /** Goes on from where the thread stands, after a failure. */
  goOn = () => this.tried(async () => void (await api.goOn(this.id)));

  async stopRun(): Promise<boolean> {
    const execution = this.get().execution;
    return this.tried(async () => {
      if (execution && ["running", "waiting"].includes(execution.status)) await api.stop(execution.id);
      else await api.stopRuns(this.id);
      this.change({ stopped: true });
    });
  }

  /** Puts another text in a message's place, from the point before it; what followed stays as a branch. */
  async edit(message: Message, text: string): Promise<boolean> {
    return this.tried(async () => {
      const history = await api.history(this.id);
      const lacks = history.find((one) => !one.values.messages?.some((other) => other.id === message.id) && this.precedes(one, message, history));
      if (!lacks?.checkpoint) throw new Problem(409, "The point before this message is not kept any more.");
      this.change({ said: text, at: null });
      await api.say(this.id, text, lacks.checkpoint);
      await api.mark(this.id, { forked: true });
      this.change({ history: null });
    });
  }

  async look(checkpoint: string | null): Promise<void> {
    this.change({ at: checkpoint });
    await this.read();
  }

  async readHistory(): Promise<void> {
    await this.tried(async () => this.change({ history: await api.history(this.id) }));
  }

  /** An approval changed: shown at once, before the next reading. */
  voted(row: Approval, late: boolean): void {
    this.turn += 1;
    const execution = this.get().execution;
    this.change({ late: late ? row : null });
    if (!execution) return;
    const others = execution.approvals.filter((one) => one.id !== row.id);
    this.change({ execution: { ...execution, approvals: [...others, row].sort((a, b) => a.created_at.localeCompare(b.created_at)) } });
    this.changed();
  }

  forget(): void {
    this.change({ refused: null });
  }

  private async tried(work: () => Promise<void>): Promise<boolean> {
    try {
      this.listen();
      await work();
      this.change({ refused: null });
      this.changed();
      return true;
    } catch (error) {
      this.change({ refused: problemOf(error), said: null });
      this.changed();
      return false;
    }
  }

  /** Is `state` on the way to the message: an ancestor of a state that has it? */
  private precedes(state: State, message: Message, history: State[]): boolean {
    const has = history.filter((one) => one.values.messages?.some((other) => other.id === message.id));
    const by = new Map(history.map((one) => [one.checkpoint?.checkpoint_id, one]));
    let at: State | undefined = has.at(-1);
    while (at && at !== state) at = by.get(at.parent_checkpoint?.checkpoint_id);
    return at === state;
  }

  private listen(): void {
    if (document.visibilityState !== "visible") return;
    this.connect();
    this.quiet();
  }

  /** Lets the stream go once nothing happened for a moment and nothing runs. A tab that got no stream looks now and then. */
  private quiet(): void {
    if (this.idle) clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (this.get().row?.status !== "busy" && this.get().said === null) return this.disconnect();
      if (!this.follows) this.changed();
      this.quiet();
    }, QUIET_MS);
  }

  private connect(): void {
    if (this.stop) return;
    const stop = (this.stop = new AbortController());
    void inSlot(() => this.followed(stop.signal), stop.signal);
  }

  private async followed(signal: AbortSignal): Promise<void> {
    const before = this.get().lives.seen;
    this.follows = true;
    await follow(
      {
        path: `threads/${this.id}/stream?stream_mode=run_modes`,
        after: before ? String(before) : "-1",
        take: ({ event, data, id }) => this.take(event, Number(id), data),
        stands: (lost, wait) => {
          const was = this.get().lost;
          this.change({ lost: lost && wait ? { retryAt: Date.now() + wait } : null });
          if (was || (lost && !wait)) this.changed();
        },
        hurry: () => new Promise((done) => (this.hurry = done)),
      },
      signal,
    );
    this.follows = false;
  }

  private disconnect(): void {
    if (this.idle) clearTimeout(this.idle);
    this.stop?.abort();
    this.stop = null;
    this.change({ lost: null });
  }

  private take(name: string, seq: number, text: string): void {
    const data = JSON.parse(text) as RunEvent & { run_id?: string };
    const lives = reduce(this.get().lives, name, seq, data);
    if (lives === this.get().lives) return;
    this.quiet();
    this.change({ lives });
    if (name === "metadata" || name === "error" || data.event === "plan" || (data.event === "step" && TELLING.has(data.status ?? ""))) this.changed();
  }
}

export function liveOf(thread: Thread) {
  return thread.lives.by[thread.state?.values.execution_id ?? ""] ?? thread.lives.by[""] ?? NOTHING;
}
