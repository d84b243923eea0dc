import { type FormEvent, useState } from "react";
import { approvals } from "../../api/governance";
import { problemOf, type Problem } from "../../api/problem";
import { clock } from "../../format";
import { Alert } from "../../shell/Alert";
import { useStore } from "../../state/store";
import { who } from "../../state/who";
import { words } from "../../words";
import { Choice, Labelled, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";

const say = words.inbox.lend;
const WEEK_MS = 7 * 24 * 3_600_000;

/** Who decides in whose stead, and for how long; one's own right handed on, and taken back. */
export function Delegations() {
  const { served } = useStore(who);
  const { data, problem, again } = useAsked(approvals.delegations, []);
  const [refused, setRefused] = useState<Problem | null>(null);
  const me = served?.person;
  const others = (served?.people ?? []).filter((one) => one.user !== me?.user);
  const [to, setTo] = useState("");
  const [role, setRole] = useState("");
  const [tool, setTool] = useState("");
  const [until, setUntil] = useState(() => local(new Date(Date.now() + WEEK_MS)));
  if (!data || !me) return <Waiting problem={problem} again={again} />;
  const tried = async (work: () => Promise<unknown>) => {
    try {
      await work();
      setRefused(null);
      again();
    } catch (error) {
      setRefused(problemOf(error));
    }
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    void tried(() => approvals.delegate({ to: to || others[0]?.user || "", role: role || me.roles[0] || "", until: new Date(until).toISOString(), tool: tool || null }));
  };
  return (
    <>
      {data.length === 0 ? <p className="muted">{say.none}</p> : (
        <ul className="ruled" aria-label={words.inbox.parts.delegations}>
          {data.map((one) => (
            <li key={one.id} className="row">
              <span className="grow"><b>{one.taker}</b> {say.decides} <b>{one.role}</b> {say.stead} <b>{one.giver}</b>{one.tool && <>, {say.only} <span className="mono">{one.tool}</span></>} <span className="muted">{say.until(clock(one.until))}</span></span>
              {one.giver === me.user && <button className="btn" onClick={() => void tried(() => approvals.revoke(one.id))}>{say.end}</button>}
            </li>
          ))}
        </ul>
      )}
      {refused && <Alert problem={refused} />}
      <form className="stack" onSubmit={send}>
        <h2>{say.title}</h2>
        <p className="muted small">{say.about}</p>
        <div className="filters">
          {others.length ? <Choice label={say.to} value={to || others[0]!.user} options={others.map((one) => [one.user, `${one.user} (${one.roles.join(", ")})`])} choose={setTo} /> : <Labelled label={say.to}><input className="field" required value={to} onChange={(event) => setTo(event.target.value.trim())} /></Labelled>}
          <Choice label={say.role} value={role || (me.roles[0] ?? "")} options={me.roles.map((one) => [one, one])} choose={setRole} />
          <Labelled label={say.tool}><input className="field mono" value={tool} placeholder={say.anyTool} onChange={(event) => setTool(event.target.value.trim())} /></Labelled>
          <Labelled label={say.untilWhen}><input className="field" type="datetime-local" required value={until} onChange={(event) => setUntil(event.target.value)} /></Labelled>
        </div>
        <div className="actions"><button className="btn primary">{say.send}</button></div>
      </form>
    </>
  );
}

/** A time as the field for it wants it, in the browser's zone. */
function local(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
