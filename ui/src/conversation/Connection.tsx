import { useEffect, useRef, useState } from "react";
import { words } from "../words";

const SHOWN_MS = 4000;

interface Given {
  lost: { retryAt: number } | null;
  /** The page was loaded while a run went on, which it now follows again. */
  rejoined: boolean;
  retry(): void;
}

/** How the connection is, where that is worth a word: it is gone, or it is back. */
export function Connection({ lost, rejoined, retry }: Given) {
  const [back, setBack] = useState(false);
  const was = useRef(false);
  useEffect(() => {
    setBack(was.current && !lost);
    was.current = lost !== null;
  }, [lost !== null]);
  useEffect(() => rejoined ? setBack(true) : undefined, [rejoined]);
  useEffect(() => {
    if (!back) return;
    const timer = setTimeout(() => setBack(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [back]);
  if (lost) return <Lost at={lost.retryAt} retry={retry} />;
  return back ? <p className="note" role="status"><span className="st ok" /> {words.reconnected}</p> : null;
}

/** The connection is gone: the run is not. Counts down to the next attempt. */
function Lost({ at, retry }: { at: number; retry(): void }) {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="alert warn" role="status">
      <span className="st wait" />
      <span aria-hidden="true">{words.lost(Math.max(0, Math.ceil((at - now) / 1000)))}</span>
      <span className="sr">{words.lost(Math.ceil((at - Date.now()) / 1000)).split(".")[0]}</span>
      <button className="btn right" onClick={retry}>{words.retry}</button>
    </div>
  );
}
