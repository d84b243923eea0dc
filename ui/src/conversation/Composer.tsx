import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { words } from "../words";

interface Action { label: string; act(text: string): Promise<boolean> }
const key = (draft: string) => `clearance.draft.${draft}`;

/** Puts a goal where a new one is written, for the person to send. */
export function prepare(goal: string): void {
  sessionStorage.setItem(key("new"), goal);
}

/** Several lines; Enter does the first action, Shift+Enter breaks the line. What is typed is kept for each thread. */
export function Composer({ draft, label, actions, focus, quiet }: { draft: string; label: string; actions: Action[]; focus?: boolean; quiet?: boolean }) {
  const [text, setText] = useState(() => sessionStorage.getItem(key(draft)) ?? "");
  const [sending, setSending] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (text) sessionStorage.setItem(key(draft), text);
    else sessionStorage.removeItem(key(draft));
  }, [draft, text]);
  useEffect(() => {
    if (focus) box.current?.focus();
  }, [focus]);
  useLayoutEffect(() => {
    const at = box.current!;
    at.style.height = "auto";
    at.style.height = `${Math.min(at.scrollHeight, 200)}px`;
  }, [text]);
  const send = async (action: Action) => {
    const goal = text.trim();
    if (!goal || sending) return;
    setSending(true);
    setText("");
    if (!(await action.act(goal))) setText(goal);
    setSending(false);
  };
  const pressed = (event: KeyboardEvent) => {
    // An input method uses Enter to choose what it offers.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || !actions[0]) return;
    event.preventDefault();
    void send(actions[0]);
  };
  return (
    <form className="composer" onSubmit={(event) => (event.preventDefault(), actions[0] && void send(actions[0]))}>
      <textarea ref={box} rows={1} aria-label={words.composer.label} placeholder={label} value={text} onChange={(event) => setText(event.target.value)} onKeyDown={pressed} />
      {actions.map((action, at) => (
        <button key={action.label} type={at ? "button" : "submit"} className={at || quiet ? "btn" : "btn primary"} disabled={sending} onClick={at ? () => void send(action) : undefined}>
          {action.label}
        </button>
      ))}
    </form>
  );
}
