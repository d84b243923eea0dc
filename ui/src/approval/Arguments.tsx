import { Fragment } from "react";
import type { Approval, Json } from "../api/types";
import { humanize, reveal } from "../format";
import { words } from "../words";
import { Exact, text } from "./Exact";
import { Field, fieldsOf } from "./Field";

interface Given { approval: Approval; edits: Record<string, Json> | null; change(edits: Record<string, Json>): void }

/** Every argument as exact plain text, whole, with where it came from; as fields of its schema while they are edited. */
export function Arguments({ approval, edits, change }: Given) {
  const hidden = Object.values(approval.args).some((value) => reveal(text(value)) !== text(value));
  const fields = fieldsOf(approval.args_schema);
  // what the tool would take besides can be given while editing
  const names = edits ? [...new Set([...Object.keys(approval.args), ...Object.keys(fields)])] : Object.keys(approval.args);
  return (
    <>
      <dl className="args" aria-label={words.approval.args}>
        {names.map((name) => {
          const was = approval.args[name] ?? null;
          const now = edits ? (edits[name] ?? null) : was;
          const set = (value: Json) => {
            const { [name]: _old, ...rest } = edits ?? {};
            change(value === null && !(name in approval.args) ? rest : { ...rest, [name]: value });
          };
          return (
            <Fragment key={name}>
              <dt>{humanize(name)}</dt>
              <dd className="value">
                {edits ? <Field name={name} schema={fields[name]} required={approval.args_schema?.required?.includes(name) ?? false} value={now} change={set} /> : <Exact value={was} />}
                {text(now) !== text(was) && <div className="diff small"><del>{was === null ? "" : reveal(text(was))}</del> <ins>{reveal(text(now))}</ins></div>}
              </dd>
              <dd className="from small muted">{originOf(approval.provenance[name] ?? "")}</dd>
            </Fragment>
          );
        })}
      </dl>
      {hidden && <p className="small muted">{words.approval.hidden}</p>}
    </>
  );
}

/** Where a value came from, in words: a field of a product that a step made, where it is one. */
function originOf(origin: string): string {
  const found = /^from ([\w-]+)\.(\w+), field (\w+)$/.exec(origin);
  return found ? words.approval.origin(humanize(found[2]!).toLowerCase(), found[1]!, humanize(found[3]!).toLowerCase()) : reveal(origin);
}
