/** Where the steps of a procedure stand when it is drawn as a flow, top down. Pure; in pixels. */
import { Graph, layout } from "@dagrejs/dagre";
import type { Step } from "../api/procedures.types";
import { exitsOf, inReadingOrder, type Exit } from "./graph";

export interface Spot {
  x: number;
  y: number;
}
/** A box by its left upper corner. */
export interface Box extends Spot {
  width: number;
  height: number;
}
export interface FlowNode extends Box {
  id: string;
}
export interface FlowEdge {
  from: string;
  /** The id of a step, or END. */
  to: string;
  branch: number | null;
  points: Spot[];
  label: Box | null;
}
export interface Flow {
  width: number;
  height: number;
  nodes: FlowNode[];
  edges: FlowEdge[];
  /** Where the procedure ends; null when nothing leads there. */
  end: Box | null;
}

/** The name of the end among the nodes; no step may have it, since ids have no space. */
export const END = " end";
export const NODE_WIDTH = 252;
const MARGIN = 12;
const END_SIZE = { width: 76, height: 28 };
const HEAD = 42;
const LINE = 18;
const MOST_LINES = 3;
const LETTERS_OF_A_LINE = 30;
const LABEL_LETTER = 6.6;
const LABEL_MOST = 232;

/** How many lines a title takes in a box, words unbroken unless one is longer than a line. */
export function linesOf(title: string, letters = LETTERS_OF_A_LINE): number {
  let lines = 1;
  let used = 0;
  for (const word of title.split(/\s+/).filter(Boolean)) {
    const length = used === 0 ? word.length : used + 1 + word.length;
    if (length <= letters) used = length;
    else {
      lines += (used > 0 ? 1 : 0) + Math.floor((word.length - 1) / letters);
      used = ((word.length - 1) % letters) + 1;
    }
  }
  return lines;
}

// The library takes an edge with an empty name for one without a name, and then does not find it again.
const nameOf = ({ branch }: Exit): string => `way ${branch ?? ""}`;
const heightOf = (title: string): number => HEAD + LINE * Math.min(MOST_LINES, linesOf(title));

/**
 * Places for steps and the ways between them.
 *
 * `said` gives the words of titles and labels in the language that is drawn, since sizes depend on it. Ways to steps
 * that do not exist are left out: the check names them.
 */
export function layoutOf(steps: readonly Step[], said: (words: Step["title"]) => string): Flow {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 34, edgesep: 18, marginx: MARGIN, marginy: MARGIN });
  const known = new Set(steps.map(({ id }) => id));
  const ordered = inReadingOrder(steps);
  for (const step of ordered)
    graph.setNode(step.id, { width: NODE_WIDTH, height: heightOf(said(step.title)) });
  const ways = ordered.flatMap((step) =>
    exitsOf(step)
      .filter(({ to }) => to === null || known.has(to))
      .map((exit) => ({ from: step.id, to: exit.to ?? END, exit })),
  );
  if (ways.some(({ to }) => to === END)) graph.setNode(END, END_SIZE);
  for (const { from, to, exit } of ways) {
    const text = exit.label ? said(exit.label) : "";
    const size = text
      ? { width: Math.min(LABEL_MOST, text.length * LABEL_LETTER + 16), height: 22, labelpos: "c" as const }
      : { width: 0, height: 0 };
    graph.setEdge(from, to, { ...size, weight: exit.branch ? 1 : 2 }, nameOf(exit));
  }
  // The first branch stands left of the second, as it is read first. Wishes that follow one order cannot contradict
  // each other; those that do make the library lose a box.
  const places = new Map([...ordered.map(({ id }) => id), END].map((id, place) => [id, place]));
  const placeOf = (id: string) => places.get(id) ?? 0;
  const constraints = ordered.flatMap((step) => {
    const targets = [...new Set(exitsOf(step).map(({ to }) => to ?? END))].filter((to) => graph.hasNode(to));
    return targets
      .slice(1)
      .map((right, place) => ({ left: targets[place]!, right }))
      .filter(({ left, right }) => placeOf(left) < placeOf(right));
  });
  layout(graph, { constraints });

  const boxOf = (id: string): Box => {
    const { x = 0, y = 0, width, height } = graph.node(id) as Box;
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  const edges = ways.map(({ from, to, exit }): FlowEdge => {
    const drawn = graph.edge(from, to, nameOf(exit)) as Box & { points?: Spot[] };
    const label =
      drawn.width > 0
        ? {
            x: drawn.x - drawn.width / 2,
            y: drawn.y - drawn.height / 2,
            width: drawn.width,
            height: drawn.height,
          }
        : null;
    return { from, to, branch: exit.branch, points: drawn.points ?? [], label };
  });
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(0, size.width ?? 0),
    height: Math.max(0, size.height ?? 0),
    nodes: ordered.map(({ id }) => ({ id, ...boxOf(id) })),
    edges,
    end: graph.hasNode(END) ? boxOf(END) : null,
  };
}

/** A smooth line along points, as the `d` of an SVG path; its last piece is straight, so that an arrow knows where to. */
export function pathOf(points: readonly Spot[]): string {
  const at = ({ x, y }: Spot) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  const middle = (one: Spot, other: Spot) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
  const bends = rest.slice(0, -1).map((bend, place) => {
    return `Q${at(bend)} ${at(middle(bend, rest[place + 1]!))}`;
  });
  return [`M${at(first)}`, ...bends, `L${at(last)}`].join("");
}

/** What lies beside a step in a direction: the box that is nearest by centre among those wholly there. */
export function beside(flow: Flow, id: string, direction: "left" | "right"): string | null {
  const here = flow.nodes.find((node) => node.id === id);
  if (!here) return null;
  const there = flow.nodes.filter(
    (node) =>
      node.id !== id &&
      node.y < here.y + here.height &&
      here.y < node.y + node.height &&
      (direction === "left" ? node.x < here.x : node.x > here.x),
  );
  there.sort((one, other) => Math.abs(one.x - here.x) - Math.abs(other.x - here.x));
  return there[0]?.id ?? null;
}
