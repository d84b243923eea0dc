// A page without a browser: one component at a time that calls a hook. A test waits for what the hook shows, never for time.

import { JSDOM } from "jsdom";

const GIVES_UP_MS = 60_000;
const page = new JSDOM("<main></main>", { url: "http://localhost/" });
Object.assign(globalThis, { window: page.window, document: page.window.document, sessionStorage: page.window.sessionStorage });
globalThis.navigator ??= page.window.navigator;
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");

export class Stage {
  // Mounts a component that calls `useHook`.
  constructor(useHook) {
    this.waiting = [];
    this.root = createRoot(document.querySelector("main"));
    const Shown = () => {
      this.now = useHook();
      queueMicrotask(() => this.look());
      return null;
    };
    this.root.render(createElement(Shown));
  }

  // Resolves with what the hook shows, once `holds` is true of it.
  until(what, holds) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never ${what}: ${JSON.stringify(shown(this.now))}`)), GIVES_UP_MS);
      this.waiting.push({ holds, resolve: (now) => (clearTimeout(timer), resolve(now)) });
      this.look();
    });
  }

  look() {
    if (this.now === undefined) return;
    const met = this.waiting.filter((one) => one.holds(this.now));
    this.waiting = this.waiting.filter((one) => !met.includes(one));
    met.forEach((one) => one.resolve(this.now));
  }

  leave() {
    this.root.unmount();
  }
}

// What a person would see of it, without ids and times.
export function shown(now) {
  if (!now) return null;
  const { values, messages, isLoading, error, interrupt } = now;
  return {
    said: values?.said ?? null,
    messages: (messages ?? []).map((one) => [one.type ?? one._getType?.(), text(one.content)]),
    isLoading,
    error: error ? String(error.message ?? error) : null,
    interrupt: interrupt ? interrupt.value : null,
  };
}

// Whether a question has all of its answer.
export const whole = (messages) => messages.length === 2 && text(messages[1].content) === "one two three";

const text = (content) => (Array.isArray(content) ? content.map((part) => part.text ?? "").join("") : content);
