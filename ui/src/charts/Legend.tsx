import { reveal } from "../format";
import { type ChartSpec, colour, fillOf, GLYPHS } from "./spec";

/** Which series is which, as the picture shows it: by pattern in bars, by symbol on lines and in clouds. */
export function Legend({ spec, patterns }: { spec: ChartSpec; patterns: string }) {
  if (spec.series.length < 2 || spec.type === "heatmap") return null;
  const filled = spec.type === "bar" || spec.type === "stacked_bar";
  return (
    <ul className="keys-of">
      {spec.series.map((one, at) => (
        <li key={one.field}>
          {filled ? <svg width="14" height="12" aria-hidden="true"><rect width="14" height="12" rx="2" fill={fillOf(patterns, at)} /></svg> : <i style={{ color: colour(at) }} aria-hidden="true">{GLYPHS[at % 8]}</i>}
          {reveal(one.label)}
        </li>
      ))}
    </ul>
  );
}

const STROKES = ["", "M0,6 6,0M-1,1 1,-1M5,7 7,5", "M1.5,1.5h.01M4.5,4.5h.01", "M0,0 6,6M0,6 6,0", "M0,0 6,6M-1,5 1,7M5,-1 7,1", "M0,3H6", "M3,0V6", "M0,3H6M3,0V6"];

/** The patterns of the series behind the first, which is plain. */
export function Patterns({ id }: { id: string }) {
  return (
    <svg width="0" height="0" className="sr" aria-hidden="true">
      <defs>
        {STROKES.map((path, at) => (
          <pattern key={at} id={`${id}${at}`} width="6" height="6" patternUnits="userSpaceOnUse">
            <rect width="6" height="6" fill={colour(at)} />
            <path d={path} stroke="var(--bg)" strokeWidth={at === 2 ? 2 : 1} strokeLinecap={at === 2 ? "round" : "butt"} />
          </pattern>
        ))}
      </defs>
    </svg>
  );
}
