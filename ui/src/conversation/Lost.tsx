import { useEffect, useState } from "react";
import { words } from "../words";

/** The connection is gone: the run is not. Counts down to the next attempt. */
export function Lost({ at, retry }: { at: number; retry(): void }) {
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
