import { useState } from "react";
import { problemOf, type Problem } from "../../api/problem";
import { clock, reveal } from "../../format";
import { Alert } from "../../shell/Alert";
import { useAsked } from "../../state/useAsked";
import { words } from "../../words";
import { Plain } from "../parts/Plain";
import { data } from "./api";

const say = words.data;

/** The mappings that were confirmed: a file with the same headings is read in the same way without a question. */
export function Mappings() {
  const { data: known, again } = useAsked(data.mappings, []);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (!known?.length) return null;
  const forget = (fingerprint: string) => data.forget(fingerprint).then(again, (error: unknown) => setProblem(problemOf(error)));
  return (
    <section>
      <h2>{say.remembered}</h2>
      {problem && <Alert problem={problem} />}
      <Plain
        caption={say.remembered}
        head={say.rememberedHead}
        rows={known.map((one) => [
          reveal(one.file),
          Object.entries(one.mapping.columns).map(([name, at]) => `${reveal(at.column)} → ${name.replace(/_/g, " ")}`).join(", "),
          clock(one.confirmed_at),
          <button className="link" aria-label={say.forgetOne(one.file)} onClick={() => void forget(one.fingerprint)}>{say.forget}</button>,
        ])}
      />
    </section>
  );
}
