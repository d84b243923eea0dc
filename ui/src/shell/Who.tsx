import { person } from "../api/client";
import type { Person } from "../api/types";
import { useStore } from "../state/store";
import { who } from "../state/who";
import { words } from "../words";
import { useTheme } from "./theme";

const say = words.who;

/** Who acts here, whom local mode may play instead, what thinks, and how it looks. */
export function Who() {
  const { me, served, ok } = useStore(who);
  const [theme, setTheme] = useTheme();
  if (!me || !served) return <div className="who" aria-busy="true">{words.loading}</div>;
  return (
    <div className="who">
      <details>
        <summary>{me.mode === "local" ? say.local : say.signed} <b>{served.person.user}</b></summary>
        {served.people.length === 0 && <p>{served.person.roles.join(", ")}</p>}
        {served.people.length > 0 && <People people={[{ user: me.user, org: me.org, roles: me.roles }, ...served.people]} now={served.person.user} own={me.user} />}
        <label className="row look">
          {say.theme}
          <select className="field" value={theme} onChange={(event) => setTheme(event.target.value)}>
            {Object.entries(say.themes).map(([key, text]) => <option key={key} value={key}>{text}</option>)}
          </select>
        </label>
      </details>
      {ok && <span>{ok.model === "offline" ? say.offline : `${say.model} ${ok.model}`}</span>}
    </div>
  );
}

/** The demo people of local mode; what is done is recorded as theirs. The page begins anew as the one that is chosen. */
function People({ people, now, own }: { people: Person[]; now: string; own: string }) {
  const act = (name: string) => {
    person.set(name === own ? "" : name);
    location.reload();
  };
  return (
    <section aria-label={say.switch}>
      <h2>{say.switch}</h2>
      <ul className="people">
        {people.map((one) => (
          <li key={one.user}>
            <button aria-pressed={one.user === now} onClick={() => act(one.user)}><b>{one.user}</b><span className="cut">{one.user === own ? say.self : one.roles.join(", ")}</span></button>
          </li>
        ))}
      </ul>
    </section>
  );
}
