import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import type { Cited } from "../api/types";
import { reveal } from "../format";
import { Decisions } from "../approval/Decisions";
import { Records } from "../approval/Record";
import { Feedback } from "../report/Feedback";
import { Report } from "../report/Report";
import { Alert } from "../shell/Alert";
import { Aside } from "../shell/Aside";
import { arrived, go } from "../shell/route";
import { hurryInbox, inbox } from "../state/inbox";
import { useStore } from "../state/store";
import { liveOf, type Thread, ThreadStore } from "../state/thread";
import { threadsChanged } from "../state/threads";
import { Skeleton } from "../shell/Skeleton";
import { words } from "../words";
import { Composer } from "./Composer";
import { Head } from "./Head";
import { Messages } from "./Messages";
import { PlanCard } from "./PlanCard";
import { Specialists } from "./Specialists";
import { openIn, stand } from "./stand";
import { Trouble } from "./Trouble";
import { Connection } from "./Connection";
import { Welcome } from "./Welcome";

interface Given { id: string | null; me: string; local: boolean; offline: boolean; menu(): void; notice: React.ReactNode }

/** A thread: what was said, what is done, what is asked, what came of it. Without an id: the beginning of one. */
export function Conversation({ id, ...rest }: Given) {
  return id ? <Existing id={id} {...rest} /> : <Beginning {...rest} />;
}

function Beginning({ offline, menu, notice }: Omit<Given, "id" | "me" | "local">) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [review, setReview] = useState(false);
  const begin = async (goal: string) => {
    try {
      const made = await api.makeThread(goal);
      await api.say(made.thread_id, goal, null, review);
      threadsChanged();
      go(`t/${made.thread_id}`);
      return true;
    } catch (error) {
      setProblem(problemOf(error));
      return false;
    }
  };
  return (
    <main className="main" id="main" tabIndex={-1}>
      <div className="head only-narrow only-phone"><button className="btn" onClick={menu}>{words.nav.open}</button></div>
      <div className="log"><div className="col">{notice}<Welcome offline={offline} begin={begin} /></div></div>
      <div className="dock"><div className="col">
        {problem && <Alert problem={problem} />}
        <label className="small muted look"><input type="checkbox" checked={review} onChange={(event) => setReview(event.target.checked)} /> {words.editing.review}</label>
        <Composer draft="new" label={words.composer.first} actions={[{ label: words.composer.send, act: begin }]} focus />
      </div></div>
    </main>
  );
}

function Existing({ id, me, local, menu, notice }: Given & { id: string }) {
  const store = useMemo(() => new ThreadStore(id), [id]);
  const thread = useStore(store);
  const box = useStore(inbox);
  const [tab, setTab] = useState("plan");
  const [cited, cite] = useState<Cited | null>(null);
  const [details, showDetails] = useState(false);
  useEffect(() => store.open(), [store]);
  const mine = useMemo(() => Object.values(box.open).filter((one) => one.thread_id === id).map((one) => one.id + one.votes.length).sort().join(), [box, id]);
  useEffect(() => store.changed(), [store, mine, box.turn]);
  const news = box.threads[id];
  useEffect(() => news && store.told(news.status), [store, news?.status, news?.updated_at]);

  const status = stand(thread, Object.keys(box.open));
  const goal = reveal(String(thread.row?.metadata.goal ?? thread.state?.values.goal ?? ""));
  const waiting = openIn(thread);
  useEffect(() => {
    document.title = `${waiting.length ? `(${waiting.length}) ` : ""}${goal || words.product} · ${words.product}`;
  }, [goal, waiting.length]);
  const open = (name: string) => (setTab(name), showDetails(true));
  const show = (cited: Cited) => (cite(cited), open("evidence"));
  const busy = status.tone === "run" || waiting.length > 0;
  const running = thread.execution?.status === "running";
  const stopped = thread.execution?.status === "cancelled" || thread.state?.values.status === "cancelled";
  // where people sign in an admin may stop it as well; in local mode nobody but who asked
  const byMe = thread.stopped || (local && thread.execution?.requester === me);
  return (
    <>
      <main className="main" id="main" tabIndex={-1}>
        <Head thread={thread} goal={goal} status={status} stop={busy ? () => void store.stopRun() : null} menu={menu} details={() => showDetails(true)} />
        <Log thread={thread} store={store} me={me} cite={show} openPlan={() => open("plan")} notice={notice} />
        <div className="dock"><div className="col">
          <Connection lost={thread.lost ?? box.lost} rejoined={arrived === location.hash && thread.row?.status === "busy"} retry={() => (store.retry(), hurryInbox())} />
          {thread.at && <p className="note">{words.history.viewing} <button className="link" onClick={() => void store.look(null)}>{words.history.now}</button></p>}
          {thread.refused && <Alert problem={thread.refused}><button className="btn right" onClick={() => store.forget()}>{words.dismiss}</button></Alert>}
          {stopped && <p className="note" role="status">{words.stopped(byMe)}</p>}
          <div className="asking"><Decisions thread={thread} store={store} /></div>
          <Composer
            draft={id}
            label={running ? words.composer.busy : busy ? words.composer.waiting : words.composer.more}
            quiet={busy}
            actions={
              running
                ? [{ label: words.composer.steer, act: (text) => store.steer(text) }, { label: words.composer.queue, act: (text) => store.say(text) }]
                : [{ label: words.composer.send, act: (text) => store.say(text) }]
            }
          />
        </div></div>
      </main>
      <Aside thread={thread} store={store} tab={tab} setTab={setTab} cited={cited} cite={cite} shown={details} close={() => showDetails(false)} />
    </>
  );
}

interface Logged { thread: Thread; store: ThreadStore; me: string; cite(cited: Cited): void; openPlan(): void; notice: React.ReactNode }

function Log({ thread, store, me, cite, openPlan, notice }: Logged) {
  const box = useRef<HTMLDivElement>(null);
  const end = useRef(true);
  const live = liveOf(thread);
  const messages = thread.state?.values.messages ?? [];
  const lastGoal = messages.findLastIndex((one) => one.type === "human");
  const earlier = messages.slice(0, lastGoal + 1);
  const answered = messages.slice(lastGoal + 1);
  const answer = thread.state?.values.answer;
  const [edited, edit] = useState(-1);
  useEffect(() => {
    const at = box.current;
    if (at && end.current && !answer) at.scrollTop = at.scrollHeight;
  }, [thread, answer]);
  const had = useRef<boolean | null>(null);
  useEffect(() => {
    // An answer that came while somebody watches is shown from its beginning.
    const report = answer && had.current === false && [...box.current!.querySelectorAll(".report")].at(-1);
    if (report) box.current!.scrollTop += report.getBoundingClientRect().top - box.current!.getBoundingClientRect().top - 16;
    if (!thread.loading) had.current = Boolean(answer);
  }, [answer, thread.loading]);
  const scrolled = () => {
    const at = box.current!;
    end.current = at.scrollHeight - at.scrollTop - at.clientHeight < 80;
  };
  return (
    <div className="log" ref={box} onScroll={scrolled} tabIndex={0} role="region" aria-label={words.log} aria-busy={thread.loading}>
      <div className="col" role="log" aria-live="polite" aria-relevant="additions" aria-label={words.log}>
        {notice}
        {thread.loading && <Skeleton />}
        {thread.problem && <Alert problem={thread.problem}><button className="btn" onClick={() => void store.read()}>{words.again}</button></Alert>}
        <Messages messages={earlier} cite={cite} thread={thread} store={store} edited={edited} edit={edit} />
        {thread.said && <div className="goal pending">{reveal(thread.said)}<span className="small muted"> {words.sending}</span></div>}
        {thread.heard.map((text, at) => <div key={at} className="goal pending">{reveal(text)}<span className="small muted"> {words.heard}</span></div>)}
        {!thread.loading && (live.plan || thread.state?.values.plan?.steps) && <PlanCard thread={thread} open={openPlan} />}
        {!thread.loading && <Specialists thread={thread} />}
        {answer ? <Report answer={answer} execution={thread.execution?.id ?? ""} cite={cite} /> : <Messages messages={answered} cite={cite} thread={thread} store={store} edited={-1} edit={edit} />}
        {answer && thread.execution && me && <Feedback execution={thread.execution.id} user={me} />}
        <Records thread={thread} />
        <Trouble thread={thread} store={store} edit={() => edit(lastGoal)} />
      </div>
    </div>
  );
}
