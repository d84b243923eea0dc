import { words } from "../../words";
import { PageHead, Parts } from "../parts/Page";
import { Decided } from "./Decided";
import { Delegations } from "./Delegations";
import { Open } from "./Open";

const say = words.inbox;

/** Decisions, whichever thread they come from: those that wait for this person, all that wait, those that were made. */
export default function Approvals({ rest }: { rest: string[] }) {
  const part = rest[0] ?? "mine";
  return (
    <>
      <PageHead title={say.title} about={say.about} />
      <Parts path="approvals" names={say.parts} now={part} />
      {part === "decided" ? <Decided /> : part === "delegations" ? <Delegations /> : <Open mine={part === "mine"} />}
    </>
  );
}
