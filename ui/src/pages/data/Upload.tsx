import { type DragEvent, useRef, useState } from "react";
import { problemOf, type Problem } from "../../api/problem";
import { Alert } from "../../shell/Alert";
import { words } from "../../words";
import { data, type Done, type Mapping, type Proposal } from "./api";
import { Confirm } from "./Confirm";
import { Result } from "./Result";

const say = words.data;

/** A file of one's own: chosen or dropped, mapped, confirmed, loaded. Nothing is loaded before the last step. */
export function Upload({ done }: { done(): void }) {
  const [file, setFile] = useState<File | null>(null);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [result, setResult] = useState<Done | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState("");
  const asked = useRef(0);

  const propose = async (of: File, mapping: Mapping | null, sheet = "") => {
    const mine = ++asked.current;
    setBusy(say.reading);
    setProblem(null);
    try {
      const next = await data.propose(of, mapping, sheet);
      if (mine === asked.current) setProposal(next);
    } catch (error) {
      if (mine === asked.current) setProblem(problemOf(error));
    } finally {
      if (mine === asked.current) setBusy("");
    }
  };
  const take = (given: File | undefined) => {
    if (!given) return;
    setFile(given);
    setProposal(null);
    setResult(null);
    void propose(given, null);
  };
  const load = async (mapping: Mapping, replace: boolean, meanwhile: boolean) => {
    setBusy(say.loading);
    setProblem(null);
    try {
      setResult(await data.load(file!, mapping, replace, meanwhile));
      setProposal(null);
      done();
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy("");
    }
  };
  return (
    <>
      <Drop take={take} />
      {busy && <p className="st run" role="status">{busy}</p>}
      {problem && <Alert problem={problem} />}
      {proposal && file && <Confirm proposal={proposal} busy={busy !== ""} held={problem?.status === 409} change={(mapping) => void propose(file, mapping)} load={load} />}
      {result && <Result result={result} />}
    </>
  );
}

function Drop({ take }: { take(file: File | undefined): void }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    <label className={over ? "drop over" : "drop"} onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)} onDrop={drop}>
      <span className="btn">{say.choose}</span>
      <span className="muted">{say.drop}</span>
      <input type="file" accept=".csv,.tsv,.txt,.xlsx" aria-label={say.choose} onChange={(event) => (take(event.target.files?.[0]), (event.target.value = ""))} />
    </label>
  );
}
