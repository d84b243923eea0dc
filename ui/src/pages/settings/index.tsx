import { person } from "../../api/client";
import type { Served } from "../../api/types";
import { humanize, reveal } from "../../format";
import { useTheme } from "../../shell/theme";
import { useStore } from "../../state/store";
import { who } from "../../state/who";
import { words } from "../../words";
import { PageHead } from "../parts/Page";
import { Plain } from "../parts/Plain";

const say = words.settings;

/** Who one is, which model thinks, what the limits are, and how each setting is changed. */
export default function Settings() {
  const { served } = useStore(who);
  return (
    <>
      <PageHead title={words.pages.settings!} about={say.about} />
      {served && <Shown now={served} />}
    </>
  );
}

function Shown({ now }: { now: Served }) {
  const [theme, setTheme] = useTheme();
  const groups = Map.groupBy(now.settings, (one) => one.group);
  return (
    <>
      <section>
        <h2>{say.you}</h2>
        <dl className="pairs">
          <dt>{say.person}</dt><dd>{reveal(now.person.user)} ({now.person.roles.join(", ")})</dd>
          <dt>{say.org}</dt><dd>{reveal(now.person.org)}</dd>
          <dt>{say.mode}</dt><dd>{say.modes[now.mode] ?? now.mode}</dd>
          <dt><label htmlFor="theme">{words.who.theme}</label></dt>
          <dd>
            <select id="theme" className="field short" value={theme} onChange={(event) => setTheme(event.target.value)}>
              {Object.entries(words.who.themes).map(([key, text]) => <option key={key} value={key}>{text}</option>)}
            </select>
          </dd>
        </dl>
      </section>
      {now.people.length > 0 && <People now={now} />}
      <section>
        <h2>{say.model}</h2>
        <dl className="pairs">
          <dt>{say.inUse}</dt><dd>{now.model.offline ? say.offline : reveal(now.model.name)}</dd>
          {now.model.host && <><dt>{say.host}</dt><dd className="mono">{reveal(now.model.host)}</dd></>}
          <dt>{say.key}</dt><dd>{now.model.key_set ? say.keySet : say.noKey}</dd>
        </dl>
        {now.model.offline && <p className="note">{words.welcome.offline}</p>}
      </section>
      {now.budgets.length > 0 && (
        <section>
          <h2>{say.budgets}</h2>
          <Plain caption={say.budgets} head={say.budgetHead} rows={now.budgets.map((one) => [humanize(one.scope), one.unit, one.limit.toLocaleString("en-US")])} />
        </section>
      )}
      <section>
        <h2>{say.all}</h2>
        <p className="muted">{say.place(now.place)}</p>
        {[...groups].map(([name, list]) => (
          <details key={name} className="group">
            <summary>{say.groups[name] ?? humanize(name)}</summary>
            <Plain caption={say.groups[name] ?? name} head={say.settingHead} rows={list.map((one) => [<span className="mono">{one.variable}</span>, <Value of={one} />, one.description])} />
          </details>
        ))}
      </section>
      <p className="small muted">{say.version(now.version, now.build.slice(0, 12))} <a href="./docs">{say.docs}</a></p>
    </>
  );
}

function People({ now }: { now: Served }) {
  const act = (name: string) => {
    person.set(name);
    location.reload();
  };
  return (
    <section>
      <h2>{say.people}</h2>
      <p className="muted">{say.demo}</p>
      <Plain
        caption={say.people}
        head={say.peopleHead}
        rows={now.people.map((one) => [
          <b>{reveal(one.user)}</b>,
          one.roles.join(", "),
          one.user === now.person.user
            ? <button className="link" onClick={() => act("")}>{say.self}</button>
            : <button className="link" aria-label={say.actAs(one.user)} onClick={() => act(one.user)}>{say.act}</button>,
        ])}
      />
    </section>
  );
}

function Value({ of }: { of: Served["settings"][number] }) {
  if (of.value === null) return <span className="muted">{say.secret}</span>;
  const text = typeof of.value === "string" ? of.value : JSON.stringify(of.value);
  return <span className="mono">{text === "" ? "–" : reveal(text)}{!of.is_default && <b className="small"> {say.set}</b>}</span>;
}
