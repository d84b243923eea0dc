import { words } from "../../words";
import { PageHead, Parts } from "../parts/Page";
import { Explain } from "./Explain";
import { MatrixPart } from "./MatrixPart";
import { Rules } from "./Rules";

const say = words.policies;

/** The policies in use: their rules and texts, what comes of each tool, and one call explained. */
export default function Policies({ rest }: { rest: string[] }) {
  const part = rest[0] ?? "rules";
  return (
    <>
      <PageHead title={words.pages.policies!} about={say.about} />
      <Parts path="policies" names={say.parts} now={part} />
      {part === "matrix" ? <MatrixPart /> : part === "explain" ? <Explain tool={rest[1]} agent={rest[2]} /> : <Rules />}
    </>
  );
}
