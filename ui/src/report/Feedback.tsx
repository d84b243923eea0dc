import { useState } from "react";
import { api } from "../api/client";
import { problemOf, type Problem } from "../api/problem";
import { reveal } from "../format";
import { Alert } from "../shell/Alert";
import { useAsked } from "../state/useAsked";
import { words } from "../words";

const say = words.feedback;
const THUMBS = ["up", "down"] as const;

/** What this person thinks of the answer, a thumb and a comment; said again it replaces what was said. */
export function Feedback({ execution, user }: { execution: string; user: string }) {
  const { data, again } = useAsked(() => api.feedback(execution), [execution]);
  const mine = data?.find((one) => one.user === user);
  const [thumb, setThumb] = useState<"up" | "down" | null>(null);
  const [comment, setComment] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  if (!data) return null;
  const choose = (one: "up" | "down") => (setThumb(thumb === one ? null : one), setComment(mine?.comment ?? ""));
  const send = async () => {
    try {
      await api.judge(execution, thumb!, comment.trim());
      setThumb(null);
      setProblem(null);
      again();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const others = data.filter((one) => one.user !== user);
  return (
    <section className="feedback" aria-label={say.title}>
      <div className="row">
        <span className="small muted">{say.title}</span>
        {THUMBS.map((one) => <button key={one} className="btn" aria-pressed={(thumb ?? mine?.thumb) === one} onClick={() => choose(one)}>{say.thumbs[one]}</button>)}
        {!thumb && mine && <span className="small muted" role="status">{say.kept}{mine.comment && `: ${reveal(mine.comment)}`}</span>}
      </div>
      {thumb && (
        <form className="reason" onSubmit={(event) => (event.preventDefault(), void send())}>
          <textarea className="field" rows={2} autoFocus aria-label={say.comment[thumb]} placeholder={say.comment[thumb]} maxLength={10_000} value={comment} onChange={(event) => setComment(event.target.value)} />
          <div className="row"><button className="btn primary">{say.send}</button><button type="button" className="btn" onClick={() => setThumb(null)}>{words.approval.cancel}</button></div>
        </form>
      )}
      {problem && <Alert problem={problem} />}
      {others.map((one) => <p key={one.user} className="small muted">{reveal(one.user)}: {say.thumbs[one.thumb]}{one.comment && `, “${reveal(one.comment)}”`}</p>)}
    </section>
  );
}
