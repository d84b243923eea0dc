import { words } from "../../words";

const TONES: Record<string, string> = { allow: "ok", approve: "wait", deny: "bad" };

/** What comes of a call, as a word with its shape. */
export function Outcome({ outcome }: { outcome: string }) {
  return <span className={`st ${TONES[outcome] ?? "idle"}`}>{words.policies.outcomes[outcome] ?? outcome}</span>;
}
