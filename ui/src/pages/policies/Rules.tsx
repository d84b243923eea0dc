import { useState } from "react";
import { policies, type Rule } from "../../api/governance";
import { reveal } from "../../format";
import { words } from "../../words";
import { Alert } from "../../shell/Alert";
import { Labelled, Waiting } from "../parts/Page";
import { useAsked } from "../../state/useAsked";
import { Outcome } from "./Outcome";

const say = words.policies;

/** Every rule: what comes of what it speaks of, why, who must agree; and the file in which it is written. */
export function Rules() {
  const { data, problem, again } = useAsked(policies.rules, []);
  const [sought, seek] = useState("");
  const texts = useAsked(policies.files, []);
  if (!data) return <Waiting problem={problem} again={again} />;
  const fits = (rule: Rule) => `${rule.id} ${rule.reason} ${rule.approver} ${rule.where}`.toLowerCase().includes(sought.trim().toLowerCase());
  const files = Map.groupBy(data.policies.filter(fits), (rule) => rule.where.split(":")[0] ?? "");
  return (
    <>
      <div className={data.valid ? "badge ok" : "badge bad"} role="status">
        <span className={data.valid ? "st ok" : "st bad"}>{data.valid ? say.valid : say.invalid}</span>
        <span className="grow">{data.valid ? say.rules(data.policies.length) : data.problems.map((one) => `${one.where}: ${one.message}`).join("; ")}</span>
        {data.version && <span className="mono muted">{data.version.slice(0, 18)}</span>}
      </div>
      {texts.problem && <Alert problem={texts.problem} />}
      <form className="filters" onSubmit={(event) => event.preventDefault()}><Labelled label={say.search}><input className="field" type="search" value={sought} onChange={(event) => seek(event.target.value)} /></Labelled></form>
      {data.valid && files.size === 0 && <p className="muted">{say.none}</p>}
      {[...files].map(([file, rules]) => (
        <section key={file} className="file">
          <h2 className="mono">{file}</h2>
          <ul className="ruled">
            {rules.map((rule) => (
              <li key={rule.id}>
                <span className="row"><Outcome outcome={rule.permits ? "allow" : rule.outcome} /><b className="mono">{rule.id}</b><span className="small muted right">{say.line(rule.where.split(":")[1] ?? "")}</span></span>
                {rule.reason && <p>{reveal(rule.reason)}</p>}
                {rule.outcome === "approve" && <p className="small muted">{asked(rule)}</p>}
              </li>
            ))}
          </ul>
          {texts.data?.[file] && <details><summary>{say.text}</summary><Text name={file} text={texts.data[file]} /></details>}
        </section>
      ))}
    </>
  );
}

/** A file with its lines numbered, as rules name them. */
function Text({ name, text }: { name: string; text: string }) {
  return (
    <div className="mono source" tabIndex={0} role="region" aria-label={name}>
      <ol>{text.split("\n").map((line, at) => <li key={at}>{reveal(line) || " "}</li>)}</ol>
    </div>
  );
}

function asked(rule: Rule): string {
  const who = rule.approver === "tool" ? say.byTool : rule.approver.split(",").join(", ");
  return [say.asks(who), rule.quorum > 1 && say.quorum(rule.quorum), rule.separate && say.separate, rule.escalate.length > 0 && say.escalates(rule.escalate.join(", "))].filter(Boolean).join(" · ");
}
