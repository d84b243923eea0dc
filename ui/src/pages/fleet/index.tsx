import { clock, reveal } from "../../format";
import { useAsked } from "../../state/useAsked";
import { words } from "../../words";
import { PageHead } from "../parts/Page";
import { Figures, Plain, Until } from "../parts/Plain";
import { type Access, type Calls, fleet, type Fleet as Found, type Specialist, type Tool, type Tries } from "./api";
import { Service } from "./Service";

const say = words.fleet;

/** Who and what works here: owner, version, access, health, last use; each specialist and tool can be taken out of service. */
export default function Fleet() {
  const read = useAsked(fleet.read, []);
  return (
    <>
      <PageHead title={words.pages.fleet!} about={say.lead} />
      <Until read={read}>{(now) => <Shown now={now} again={read.again} />}</Until>
    </>
  );
}

function Shown({ now, again }: { now: Found; again(): void }) {
  const out = [...now.specialists, ...now.tools].filter((one) => one.suspended).length;
  const down = now.connectors.filter((one) => !one.reachable).length;
  return (
    <>
      <Figures
        items={[
          { label: say.specialists, value: now.specialists.filter((one) => !one.core).length },
          { label: say.tools, value: now.tools.length },
          { label: say.connectors, value: now.connectors.length, ...(down ? { tone: "bad" } : {}) },
          { label: say.models, value: now.models.length },
          { label: say.suspended, value: out, ...(out ? { tone: "wait" } : {}) },
        ]}
      />
      <p className="small muted">{say.since(clock(now.since))}</p>
      <section>
        <h2>{say.specialists}</h2>
        <Plain caption={say.specialists} head={say.specialistHead} rows={now.specialists.map((one) => specialist(one, now.may_suspend, again))} />
      </section>
      <section>
        <h2>{say.tools}</h2>
        <Plain caption={say.tools} head={say.toolHead} rows={now.tools.map((one) => tool(one, now.may_suspend, again))} />
      </section>
      <section>
        <h2>{say.connectors}</h2>
        <Plain
          caption={say.connectors}
          head={say.connectorHead}
          rows={now.connectors.map((one) => [
            <><b>{one.title}</b><div className="small muted mono">{one.name}</div></>,
            one.reachable ? <span className="st ok">{say.reachable}</span> : <span className="st bad" title={one.problem}>{reveal(one.problem) || say.unreachable}</span>,
            one.rows?.toLocaleString("en-US") ?? "–",
            one.as_of || "–",
            one.source || "–",
          ])}
        />
      </section>
      <section>
        <h2>{say.models}</h2>
        <Plain
          caption={say.models}
          head={say.modelHead}
          rows={now.models.map((one) => [<b>{reveal(one.name)}</b>, one.where || say.here, one.roles.join(", ") || "–", <Tried health={one.health} />, <Used at={one.health.last_used} />])}
        />
      </section>
    </>
  );
}

function specialist(one: Specialist, may: boolean, again: () => void) {
  return [
    <><b>{one.title}</b>{one.core && <span className="small muted"> {say.core}</span>}<div className="small muted">{one.purpose}</div></>,
    <>{one.makes.map((made) => made.title).join(", ") || "–"}<div className="small muted mono">{one.tools.join(" ")}</div></>,
    <Reach access={one.access} />,
    <>{one.owner || "–"}<div className="small muted mono" title={one.version}>{one.version.slice(0, 12)}</div></>,
    one.model,
    <Tried health={one.health} />,
    <Used at={one.health.last_used} />,
    one.core ? null : <Service kind="specialist" name={one.name} title={one.title} suspended={one.suspended} may={may} again={again} />,
  ];
}

function tool(one: Tool, may: boolean, again: () => void) {
  return [
    <><b className="mono">{one.name}</b><div className="small muted">{one.description}</div></>,
    <>{say.effects[one.effect] ?? one.effect}<div className="small muted">{one.data_class}{one.egress && `, ${say.egress}`}{one.approvers.length > 0 && `; ${say.approvers(one.approvers.join(", "))}`}</div></>,
    <>{one.owner || "–"}<div className="small muted mono" title={one.fingerprint}>{one.version}</div></>,
    <Called health={one.health} />,
    one.health.p50_ms === null ? "–" : say.times(one.health.p50_ms, one.health.p95_ms ?? one.health.p50_ms),
    <Used at={one.health.last_used} />,
    <Service kind="tool" name={one.name} title={one.name} suspended={one.suspended} may={may} again={again} />,
  ];
}

function Reach({ access }: { access: Access }) {
  return <>{say.effects[access.effect] ?? access.effect}<div className="small muted">{access.data_classes.join(", ")}{access.egress && `, ${say.egress}`}{access.approvers.length > 0 && `; ${say.approvers(access.approvers.join(", "))}`}</div></>;
}

function Tried({ health }: { health: Tries }) {
  if (!health.of) return <span className="muted">{say.unused}</span>;
  return <span className={`st ${health.failed ? "bad" : "ok"}`}>{say.tries(health.done, health.of, health.failed)}</span>;
}

function Called({ health }: { health: Calls }) {
  if (!health.calls && !health.denied) return <span className="muted">{say.unused}</span>;
  return <><span className={`st ${health.failed ? "bad" : "ok"}`}>{say.calls(health.calls, health.failed)}</span>{health.denied > 0 && <div className="small muted">{say.denied(health.denied)}</div>}</>;
}

const Used = ({ at }: { at: string | null }) => <span className="small">{at ? clock(at) : "–"}</span>;
