import { Suspense, useEffect, useMemo, useState } from "react";
import { api, signedOut } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import { Conversation } from "../conversation/Conversation";
import { pages } from "../pages/registry";
import { Connection } from "../conversation/Connection";
import { hurryInbox, inbox, startInbox } from "../state/inbox";
import { useStore } from "../state/store";
import { startThreads } from "../state/threads";
import { readWho, who } from "../state/who";
import { Skeleton } from "./Skeleton";
import { words } from "../words";
import { Alert, SignIn } from "./Alert";
import { Nav } from "./Nav";
import { parse, useHash } from "./route";

const VERSION_MS = 60_000;

/** The frame: navigation, and beside it a conversation with its details, or a page. */
export function Shell() {
  const hash = useHash();
  const route = useMemo(() => parse(hash), [hash]);
  const { me, served, ok } = useStore(who);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [nav, showNav] = useState(false);
  const out = useStore(signedOut);
  const updated = useUpdated();
  const { lost } = useStore(inbox);
  const notice = (
    <>
      {out && !problem ? <div className="alert" role="alert"><span className="st bad">{words.signedOut}</span><SignIn /></div> : updated}
      {route.kind !== "thread" && <Connection lost={lost} rejoined={false} retry={hurryInbox} />}
    </>
  );

  useEffect(() => {
    readWho().catch((error: unknown) => setProblem(problemOf(error)));
  }, []);
  useEffect(() => {
    if (!me) return;
    const ends = [startInbox(), startThreads()];
    return () => ends.forEach((end) => end());
  }, [me]);

  const page = route.kind === "page" ? pages.find((one) => one.path === route.name) : undefined;
  const Page = page?.component;
  useEffect(() => {
    if (route.kind === "page") document.title = `${page?.title ?? words.notFound} · ${words.product}`;
    if (route.kind === "home") document.title = words.product;
  }, [route, page]);
  const menu = () => showNav(true);
  return (
    <div className={route.kind === "thread" ? "shell" : "shell wide"} onKeyDown={(event) => event.key === "Escape" && showNav(false)}>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>{words.skip}</a>
      <Nav route={route} shown={nav} close={() => showNav(false)} />
      {problem ? (
        <main id="main" tabIndex={-1} className="main"><div className="page"><div className="inner"><Alert problem={problem} signIn /></div></div></main>
      ) : route.kind === "page" ? (
        <main id="main" tabIndex={-1} className="main">
          <div className="page">
            <div className="inner">
              <button className="btn only-narrow only-phone" onClick={menu}>{words.nav.open}</button>
              {notice}
              <Suspense fallback={<Skeleton />}>
                {Page && route.kind === "page" ? <Page rest={route.rest} /> : <p>{words.notFound}</p>}
              </Suspense>
            </div>
          </div>
        </main>
      ) : (
        <Conversation key={route.kind === "thread" ? route.id : ""} id={route.kind === "thread" ? route.id : null} me={served?.person.user ?? ""} local={served?.mode === "local"} offline={ok?.model === "offline"} menu={menu} notice={notice} />
      )}
    </div>
  );
}

/** Says so when the server is a newer one than this page came from. */
function useUpdated() {
  const [first, setFirst] = useState("");
  const [now, setNow] = useState("");
  useEffect(() => {
    const look = () => api.build().then((build) => (setFirst((one) => one || build), setNow(build)), () => undefined);
    void look();
    const timer = setInterval(look, VERSION_MS);
    return () => clearInterval(timer);
  }, []);
  if (!now || now === first) return null;
  return <p className="note" role="status">{words.reload} <button className="link" onClick={() => location.reload()}>{words.reloadButton}</button></p>;
}
