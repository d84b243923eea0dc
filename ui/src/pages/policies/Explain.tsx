import { type FormEvent, useState } from "react";
import { type Explained, type Matrix, policies } from "../../api/governance";
import { problemOf, type Problem } from "../../api/problem";
import { humanize, reveal } from "../../format";
import { Alert } from "../../shell/Alert";
import { words } from "../../words";
import { Choice, Labelled, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";
import { Outcome } from "./Outcome";

const say = words.policies;

/** A call put to the policies: what would come of it, by which rules, and what would change that. Nothing is carried out. */
export function Explain({ tool, agent }: { tool?: string | undefined; agent?: string | undefined }) {
  const { data, problem, again } = useAsked(() => policies.matrix(false), []);
  if (!data) return <Waiting problem={problem} again={again} />;
  return <Form key={`${tool} ${agent}`} matrix={data} tool={tool ?? data.rows[0]?.tool ?? ""} agent={agent} />;
}

function Form({ matrix, tool: first, agent: given }: { matrix: Matrix; tool: string; agent?: string | undefined }) {
  const [tool, setTool] = useState(first);
  const agents = [...new Set(matrix.rows.filter((row) => row.tool === tool).map((row) => row.agent))];
  const [chosen, setAgent] = useState(given ?? "");
  const agent = agents.includes(chosen) ? chosen : (agents[0] ?? "agent");
  const roles = matrix.roles.filter((role) => role !== "no role");
  const [held, hold] = useState<string[]>(roles.includes("requester") ? ["requester"] : []);
  const [request, setRequest] = useState("");
  const [planned, plan] = useState(true);
  const [tainted, taint] = useState(false);
  const [args, setArgs] = useState("{}");
  const [told, setTold] = useState<Explained | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [bad, setBad] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    let parsed: Record<string, unknown>;
    try {
      parsed = JSON.parse(args) as Record<string, unknown>;
    } catch {
      return setBad(true);
    }
    setBad(false);
    try {
      setTold(await policies.explain({ tool, agent, roles: held, request, args: parsed, labels: tainted ? ["untrusted"] : [], planned: planned ? [tool] : [] }));
      setProblem(null);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <div className="halves">
      <form className="stack" onSubmit={(event) => void send(event)}>
        <Choice label={say.tool} value={tool} options={[...new Set(matrix.rows.map((row) => row.tool))].sort().map((name) => [name, name])} choose={setTool} />
        <Choice label={say.agent} value={agent} options={agents.map((name) => [name, humanize(name)])} choose={setAgent} />
        <fieldset><legend>{say.roles}</legend>
          <div className="checks">
            {roles.map((role) => <label key={role} className="check"><input type="checkbox" checked={held.includes(role)} onChange={(event) => hold(event.target.checked ? [...held, role] : held.filter((one) => one !== role))} />{role}</label>)}
          </div>
        </fieldset>
        <Labelled label={say.request}><input className="field" value={request} placeholder={say.requestHint} onChange={(event) => setRequest(event.target.value)} /></Labelled>
        <Labelled label={say.args}><textarea className="field mono" rows={4} aria-invalid={bad} value={args} onChange={(event) => setArgs(event.target.value)} /></Labelled>
        {bad && <p role="alert" className="small">{words.approval.bad}</p>}
        <label className="check"><input type="checkbox" checked={planned} onChange={(event) => plan(event.target.checked)} />{say.planned}</label>
        <label className="check"><input type="checkbox" checked={tainted} onChange={(event) => taint(event.target.checked)} />{say.tainted}</label>
        <div className="actions"><button className="btn primary">{say.explain}</button></div>
        {problem && <Alert problem={problem} />}
      </form>
      <div aria-live="polite">{told ? <Told told={told} /> : <p className="muted">{say.nothing}</p>}</div>
    </div>
  );
}

function Told({ told }: { told: Explained }) {
  return (
    <section className="told">
      <h2><Outcome outcome={told.outcome} /> <span className="mono">{told.tool}</span></h2>
      {told.asks && <p>{say.asks(told.asks)}</p>}
      <h3>{say.because}</h3>
      <ul className="ruled">{told.rules.map((rule) => <li key={rule.id}><span className="row"><b className="mono">{rule.id}</b><span className="small muted right">{rule.where}</span></span><p>{reveal(rule.reason)}</p></li>)}</ul>
      {told.labels.length > 0 && <><h3>{say.labels}</h3><ul className="tags">{told.labels.map((one) => <li key={one} className="mono">{reveal(one)}</li>)}</ul></>}
      {told.changes.length > 0 && <><h3>{say.changes}</h3><ul className="plainlist">{told.changes.map((one) => <li key={one.words.join()}><span className="grow">{one.words.map(reveal).join(", ")}</span><Outcome outcome={one.outcome} /></li>)}</ul></>}
    </section>
  );
}
