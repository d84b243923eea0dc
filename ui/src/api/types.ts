// What the service answers, as far as the page reads it. The service's OpenAPI description is the authority (/openapi.json).

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Unit = "text" | "count" | "usd" | "percent" | "days" | "score" | "index" | "date" | "ratio" | "kg";
export type Verdict = "approve" | "edit" | "reject" | "respond";

export interface Records { table: string; keys: string; count: number; also: Records[] }
export interface Column { field: string; label: string; unit?: Unit }
export type Row = { records?: Records | null } & Record<string, unknown>;

export interface Block { type: string; text?: string }
export interface Message { id: string; type: "human" | "ai" | "system" | "tool"; content: string | Block[]; additional_kwargs?: AnswerOf }
/** Of a message that is an answer: whose figures it has; the answer itself where no execution keeps it. */
export interface AnswerOf { execution_id?: string; answer?: Answer }

export interface PlanStep {
  id: string; title: string; specialist: string; parent: string | null; tools: string[]; effect: string; why: string; settings: Record<string, string>;
  /** The steps that it waits for; a state's plan does not say it. */
  after?: string[];
  produces: string[];
  /** The row that a repeated step is of. */
  item?: Record<string, unknown> | null;
}
export interface Plan { rev: number; parent_rev: number | null; cause?: string; reason: string; steps: PlanStep[]; assumptions?: string[] }

/** What becomes of one step of a plan. `settings` are merged into its own; null takes one away. */
export interface StepChange { step: string; leave_out?: boolean; settings?: Record<string, string | null> }

export interface Call { call_id: string; kind: string; tool: string; product: string | null; ms: number; args: Record<string, Json> }
export interface Data {
  product: string; title: string; scope: string; as_of: string; rows: Row[]; columns: Column[]; caveats: string[]; query: string;
}
export interface Result {
  step_id: string; status: string; specialist: string; attempt: number; headline: string; data: Record<string, Data>;
  calls: Call[]; caveats: string[]; gaps: string[]; error: { kind: string; message: string } | null; seconds: number; model: string;
}
export interface StepState { title: string; status: string; waiting_for: string[] }

export interface Action { name: string; args: Record<string, Json>; description?: string }
export interface ReviewConfig { action_name: string; allowed_decisions: Verdict[] }
export interface Asked { action_requests: Action[]; review_configs: ReviewConfig[]; approvals?: string[] }
export interface Interrupt { id: string; value: unknown }

export interface Origin { records: Records; source: string }
export interface Citation {
  n: number; ref: string; label: string; value: unknown; unit: Unit; shown: string; step: string; specialist: string;
  tool: string; call_id: string; scope: string; as_of: string; query: string; records: Records | null; origins: Origin[];
}
/** Records that a product cites, a page of them. `changed`: others were loaded since the run. */
export interface Opened {
  table: string; key: string; columns: Column[]; rows: Row[]; count: number; gone: number; next: number | null; changed: boolean;
  masked: boolean; called: { digest: string | null; seq: number | null; hash: string | null } | null;
}
/** A citation that is looked at: of which answer, whose execution read it. */
export interface Cited { citation: Citation; answer: Answer; execution: string }
export interface Sentence { text: string; citations: number[]; kind: string; flagged: string }
export interface TableData {
  caption: string; source: string; columns: Column[]; rows: Row[]; total_rows: number; scope: string; as_of: string;
}
export interface ChartData { caption: string; spec: Record<string, unknown> }
export interface Section { heading: string; sentences: Sentence[]; tables: TableData[]; charts: ChartData[] }
export interface Answer {
  title: string; goal: string; status: "complete" | "partial" | "failed"; sections: Section[]; missing: string[]; issues: string[];
  caveats: string[]; undecided: string[]; decisions: string[]; reused: string[]; citations: Citation[]; model: string; offline: boolean;
  made_on: string;
}

export interface Values {
  messages?: Message[]; goal?: string; status?: string; execution_id?: string; plan?: Partial<Plan>; results?: Record<string, Result>;
  steps?: Record<string, StepState>; answer?: Answer | null; issues?: string[];
}
export interface Point { checkpoint_id: string; thread_id: string; checkpoint_ns: string }
export interface State {
  values: Values; next: string[]; interrupts: Interrupt[]; checkpoint: Point | null; parent_checkpoint: Point | null;
  created_at: string | null; metadata: { step?: number; source?: string } | null;
}

export type ThreadStatus = "idle" | "busy" | "interrupted" | "error";
export interface ThreadRow {
  thread_id: string; status: ThreadStatus; updated_at: string; metadata: Record<string, Json>;
  interrupts: Record<string, Interrupt[]>; error?: unknown;
}
/** A thread as the list has it: how it stands for this person, whose approvals wait, steps done of all. */
export interface ListedThread {
  thread_id: string; title: string; status: "needs_you" | "waiting" | "running" | "done" | "failed" | "stopped" | "declined" | "new";
  owner: string; approvals: number; yours: number; done: number; steps: number; execution_id: string | null;
  answer: "complete" | "partial" | "failed" | null; created_at: string; updated_at: string;
}
export interface Run { run_id: string; thread_id: string; status: string; created_at: string }

export interface Vote { user: string; roles: string[]; verdict: Verdict; message: string; at: string; behalf: string | null }
export interface Approval {
  id: string; status: string; execution_id: string; step_id: string; thread_id: string | null; requester: string; agent: string;
  tool: string; effect: string; args: Record<string, Json>; provenance: Record<string, string>; labels: string[]; rules: string[];
  reasons: string[]; approvers: string[]; user_request: string; created_at: string; expires_at: string; decided_at: string | null;
  decided_by: string[]; message: string; superseded_by: string | null; votes: Vote[]; masked: boolean;
  /** The JSON Schema of the arguments; null for a tool that is no longer there. */
  args_schema: JsonSchema | null;
}
export interface JsonSchema {
  type?: string; title?: string; description?: string; format?: string; enum?: Json[]; const?: Json; properties?: Record<string, JsonSchema>;
  required?: string[]; items?: JsonSchema; anyOf?: JsonSchema[]; minimum?: number; maximum?: number; minLength?: number; maxLength?: number;
  pattern?: string; $ref?: string; $defs?: Record<string, JsonSchema>;
}
export interface Effect { key: string; state: string; step_id: string; tool: string; approval_id: string | null; error: string | null }
export interface Budget { scope: string; owner: string; unit: string; limit: number; used: number; left: number; raised: number }
export interface Attempt { step_id: string; attempt: number; specialist: string; status: string; result: Result | null; masked: boolean }
export interface Execution {
  id: string; thread_id: string | null; requester: string; goal: string; status: string; plans: Plan[]; attempts: Attempt[];
  approvals: Approval[]; effects: Effect[]; usage: { model_calls: number; input_tokens: number; output_tokens: number };
}

/** What one person thinks of an answer. */
export interface Opinion { execution_id: string; user: string; thumb: "up" | "down"; comment: string; at: string }

export interface Me { user: string; org: string; roles: string[]; mode: string; csrf_token: string | null }
export interface Ok { ok: boolean; mode: string; model: string; runs: number }

export interface Person { user: string; org: string; roles: string[] }
/** How the service is set. `person` is whom the caller plays, or is; `people` whom local mode may play. */
export interface Served {
  version: string; build: string; mode: string; person: Person; people: Person[]; records: Record<string, string>; place: string;
  domain: string; examples: string[];
  model: { name: string; offline: boolean; host: string; key_set: boolean }; budgets: { scope: string; unit: string; limit: number }[];
  settings: { name: string; group: string; variable: string; description: string; value: Json; is_default: boolean }[];
}

/** A custom event of a run. */
export interface RunEvent {
  event: string; execution_id?: string; step?: string; status?: string; at?: string; attempt?: number; specialist?: string;
  seconds?: number; waiting_for?: string[]; call_id?: string; tool?: string; phase?: string; outcome?: string; preview?: string; ms?: number;
  rules?: string[]; model_calls?: number; input_tokens?: number; output_tokens?: number; usd?: number; rev?: number;
  parent_rev?: number | null; reason?: string; steps?: PlanStep[]; error?: string; text?: string;
}
