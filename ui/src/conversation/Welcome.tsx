import { reveal } from "../format";
import { useStore } from "../state/store";
import { who } from "../state/who";
import { words } from "../words";

const SHOWN = 4;

/** The beginning: what this is, and goals that work on what is loaded. */
export function Welcome({ offline, begin }: { offline: boolean; begin(goal: string): Promise<boolean> }) {
  const { served } = useStore(who);
  return (
    <section className="welcome">
      <h1>{words.welcome.title}</h1>
      <p>{words.welcome.body}</p>
      <h2>{words.welcome.try}</h2>
      <ul aria-busy={served === null}>
        {(served?.examples ?? []).slice(0, SHOWN).map((goal) => (
          <li key={goal}><button onClick={() => void begin(goal)}>{reveal(goal)}<span aria-hidden="true">→</span></button></li>
        ))}
      </ul>
      {offline && <p className="note">{words.welcome.offline}</p>}
    </section>
  );
}
