import { type ReactNode, useEffect, useState } from "react";
import type { Problem } from "../api/problem";
import { words } from "../words";

/** Why something did not work, in words that differ by kind; 429 counts down. */
export function Alert({ problem, signIn, children }: { problem: Problem; signIn?: boolean; children?: ReactNode }) {
  const [left, setLeft] = useState(problem.retryAfter);
  useEffect(() => {
    setLeft(problem.retryAfter);
    const timer = setInterval(() => setLeft((s) => Math.max(0, s - 1)), 1000);
    return () => clearInterval(timer);
  }, [problem]);
  return (
    <div className="alert" role="alert">
      <span className="st bad">{problem.title}</span>
      {problem.detail && <span>{problem.detail}</span>}
      {problem.status === 429 && problem.retryAfter > 0 && <span className="muted" aria-hidden={left > 0}>{left > 0 ? words.wait(left) : words.waited}</span>}
      {signIn && problem.status === 401 && <SignIn />}
      {children}
    </div>
  );
}

/** To the identity provider, and back to this page. */
export function SignIn() {
  return <a className="btn" href={`./auth/sign-in?page=${encodeURIComponent(new URL(".", document.baseURI).pathname)}`}>{words.signIn}</a>;
}
