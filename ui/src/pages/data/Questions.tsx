import { prepare } from "../../conversation/Composer";
import { words } from "../../words";
import type { Answering } from "./api";

const say = words.data;

/** Example questions: what can be asked of these records, and what an answer will lack. */
export function Questions({ list, ask = true }: { list: Answering[]; ask?: boolean }) {
  return (
    <ul className="asks-list">
      {list.map((one) => {
        const can = !one.needs.length;
        return (
          <li key={one.question}>
            <span className={`st ${can ? (one.without.length ? "wait" : "ok") : "idle"}`}>{can ? (one.without.length ? say.partly : say.can) : say.cannot}</span>
            {can && ask ? <a href="#/" onClick={() => prepare(one.question)}>{one.question}</a> : <span>{one.question}</span>}
            {!can && <span className="small muted">{say.needs(one.needs.join(", "))}</span>}
            {can && one.without.length > 0 && <span className="small muted">{say.without(one.without.join(", "))}</span>}
          </li>
        );
      })}
    </ul>
  );
}
