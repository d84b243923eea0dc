import dagre from "@dagrejs/dagre";
import { useMemo } from "react";
import { MARKS, toneOf } from "../conversation/PlanCard";
import { words } from "../words";
import type { Shown } from "./steps";

const WIDTH = 84;
const HEIGHT = 40;
const LINE = 13;

/** The plan as a graph from above to below; what it shows is said in words too, for whoever does not see it. */
export function Graph({ steps }: { steps: Shown[] }) {
  const shape = steps.map((step) => `${step.id}<${step.after.join()}`).join(";");
  // Laid out again only when steps or their order change, not with every status.
  const drawn = useMemo(() => layout(steps), [shape]);
  const { width = 0, height = 0 } = drawn.graph();
  return (
    <div className="wide" tabIndex={0} role="region" aria-label={words.plan.graph}>
      <svg className="dag" viewBox={`0 0 ${width} ${height}`} style={{ minWidth: width * 0.85, maxWidth: width * 1.1 }} role="img" aria-label={steps.map((step) => `${step.title}: ${words.steps[step.status] ?? step.status}`).join(". ")}>
        {drawn.edges().map((edge) => <path key={`${edge.v}-${edge.w}`} className="edge" d={curve(drawn.edge(edge).points as Spot[])} />)}
        {steps.map((step) => {
          const node = drawn.node(step.id);
          const lines = broken(`${MARKS[step.status] ?? "○"} ${step.title.split(": ").at(-1)}`);
          return (
            <g key={step.id}>
              <title>{`${step.title}: ${words.steps[step.status] ?? step.status}`}</title>
              <rect className={`node ${toneOf(step.status)}`} x={node.x - WIDTH / 2} y={node.y - HEIGHT / 2} width={WIDTH} height={HEIGHT} rx={6} />
              {lines.map((line, at) => <text key={at} x={node.x} y={node.y + 4 + LINE * (at - (lines.length - 1) / 2)} textAnchor="middle">{line}</text>)}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

interface Spot { x: number; y: number }

function layout(steps: Shown[]) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 6, ranksep: 24, marginx: 2, marginy: 2 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const step of steps) graph.setNode(step.id, { width: WIDTH, height: HEIGHT });
  for (const step of steps) for (const up of step.after) graph.setEdge(up, step.id);
  dagre.layout(graph);
  return graph;
}

/** At most two lines of what fits a node. */
function broken(title: string): string[] {
  const lines = [""];
  for (const word of title.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= 14 || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const shown = lines.length > 2 ? [lines[0]!, `${lines[1]!.slice(0, 13)}…`] : lines;
  return shown.map((line) => (line.length > 15 ? `${line.slice(0, 14)}…` : line));
}

function curve(points: Spot[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  let from = first;
  for (const to of rest) {
    const half = (from.y + to.y) / 2;
    path += ` C${from.x},${half} ${to.x},${half} ${to.x},${to.y}`;
    from = to;
  }
  return path;
}
