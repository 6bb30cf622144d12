import { describe, expect, it } from "vitest";
import type { Step, StepKind } from "../src/lib/api/procedures.types";
import {
  arranged,
  canMoveEarlier,
  canMoveLater,
  changeKind,
  freshId,
  insert,
  insertFirst,
  isSame,
  moveEarlier,
  moveLater,
  remove,
} from "../src/lib/procedures/edit";
import { exitsOf, readingOrder } from "../src/lib/procedures/graph";
import { beside, END, layoutOf, linesOf, NODE_WIDTH, pathOf, type Box } from "../src/lib/procedures/layout";

const words = (en: string) => ({ en, sr: en });
const step = (id: string, next: string | null, kind: StepKind = "check"): Step => ({
  id,
  kind,
  title: words(`Do ${id}`),
  next,
});
const question = (id: string, ...ways: (string | null)[]): Step => ({
  id,
  kind: "question",
  title: words(`Is ${id} so?`),
  branches: ways.map((next, place) => ({ label: words(`answer ${place}`), next })),
});
const chain = () => [step("a", "b"), step("b", "c"), step("c", null)];
/** a, then b or c, both lead to d; d may go back to a. */
const diamond = () => [question("a", "b", "c"), step("c", "d"), step("b", "d"), question("d", "a", null)];
const ways = (steps: Step[]) =>
  Object.fromEntries(steps.map((one) => [one.id, exitsOf(one).map(({ to }) => to)]));

describe("the reading order", () => {
  it("takes the first branch first and what joins last", () => {
    expect(readingOrder(diamond())).toEqual(["a", "b", "c", "d"]);
  });
  it("puts what no way leads to at the end, and knows no step that is missing", () => {
    expect(readingOrder([step("a", "nowhere"), step("z", "y"), step("y", null)])).toEqual(["a", "z", "y"]);
  });
  it("comes to an end with circles and with twenty thousand steps", () => {
    expect(readingOrder([step("a", "a")])).toEqual(["a"]);
    const long = Array.from({ length: 20_000 }, (_, n) => step(`s${n}`, `s${n + 1}`));
    expect(readingOrder(long).length).toBe(20_000);
  });
});

const overlap = (one: Box, other: Box) =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;
const pairs = <T>(items: T[]) =>
  items.flatMap((one, n) => items.slice(n + 1).map((two) => [one, two] as const));
const english = ({ en }: { en: string }) => en;

describe("a procedure drawn as a flow", () => {
  const many = [
    ...Array.from({ length: 30 }, (_, n) => question(`q${n}`, `s${n}`, `q${n + 1}`)),
    ...Array.from({ length: 30 }, (_, n) => step(`s${n}`, n % 3 ? `q${n + 1}` : null)),
    step("q30", null),
  ];
  it.each([
    ["a chain", chain()],
    ["branches that meet, with a way back", diamond()],
    ["sixty-one steps", many],
  ])("of %s has no two boxes on one another and lies inside its measure", (_, steps) => {
    const flow = layoutOf(steps, english);
    const boxes = [...flow.nodes, ...(flow.end ? [flow.end] : [])];
    expect(pairs(boxes).filter(([one, two]) => overlap(one, two))).toEqual([]);
    expect(flow.nodes.length).toBe(steps.length);
    for (const box of boxes) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(flow.width + 0.01);
      expect(box.y + box.height).toBeLessThanOrEqual(flow.height + 0.01);
    }
    expect(flow.edges.length).toBe(steps.flatMap(exitsOf).length);
    expect(flow.edges.every(({ points }) => points.length >= 2)).toBe(true);
  });
  it("goes down: what follows stands under what leads to it, but for a way back", () => {
    const { nodes, edges, end } = layoutOf(diamond(), english);
    const top = (id: string) => (id === END ? end : nodes.find((node) => node.id === id))!.y;
    const back = edges.filter(({ from, to }) => top(to) <= top(from));
    expect(back.map(({ from, to }) => [from, to])).toEqual([["d", "a"]]);
  });
  it("keeps two branches that lead to the same step, and its words apart", () => {
    const { edges } = layoutOf([question("a", "b", "b"), step("b", null)], english);
    const [one, two] = edges.filter(({ from }) => from === "a");
    expect([one?.label, two?.label].every(Boolean)).toBe(true);
    expect(overlap(one!.label!, two!.label!)).toBe(false);
  });
  it("is drawn while it is wrong: nothing at all, a way to nowhere, a question without answers", () => {
    expect(layoutOf([], english).nodes).toEqual([]);
    expect(layoutOf([step("a", "nowhere")], english).edges).toEqual([]);
    expect(layoutOf([question("a")], english).end).toBeNull();
  });
  it("gives a long title more room, up to three lines", () => {
    const heights = ["Short", "A title that takes two lines in its box", "word ".repeat(60)].map(
      (title) => layoutOf([{ ...step("a", null), title: words(title) }], english).nodes[0]!.height,
    );
    expect(heights[0]! < heights[1]! && heights[1]! < heights[2]!).toBe(true);
    expect(linesOf("x".repeat(60), 27)).toBe(3);
    expect(linesOf("")).toBe(1);
  });
  it("is drawn whatever leads where: circles, questions that ask in opposite order, knots", () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 60; round += 1) {
      const count = 2 + random(14);
      const to = () => (random(5) ? `s${random(count)}` : null);
      const knot = Array.from({ length: count }, (_, n) =>
        random(2) ? question(`s${n}`, to(), to(), to()) : step(`s${n}`, to()),
      );
      const { nodes } = layoutOf(knot, english);
      expect(pairs(nodes).filter(([one, two]) => overlap(one, two))).toEqual([]);
    }
  });
  it("knows what stands beside", () => {
    const flow = layoutOf(diamond(), english);
    expect(beside(flow, "b", "right")).toBe("c");
    expect(beside(flow, "c", "left")).toBe("b");
    expect(beside(flow, "a", "left")).toBeNull();
    expect(flow.nodes.every(({ width }) => width === NODE_WIDTH)).toBe(true);
  });
  it("draws a line from its first to its last point", () => {
    const path = pathOf([
      { x: 0, y: 0 },
      { x: 5, y: 10 },
      { x: 0, y: 20 },
    ]);
    expect(path).toBe("M0.0 0.0Q5.0 10.0 2.5 15.0L0.0 20.0");
    expect(pathOf([])).toBe("");
  });
});

describe("changing the steps", () => {
  it("puts a step into a way, and leads on to where that led", () => {
    const { steps, id } = insert(chain(), "a", null, "wait");
    expect(id).toBe("step_1");
    expect(ways(steps)).toEqual({ a: ["step_1"], step_1: ["b"], b: ["c"], c: [null] });
    expect(steps.map((one) => one.id)).toEqual(["a", "step_1", "b", "c"]);
  });
  it("puts a step into one branch and leaves the other alone", () => {
    const { steps, id } = insert(diamond(), "a", 1, "task");
    expect(ways(steps)["a"]).toEqual(["b", id]);
    expect(ways(steps)[id]).toEqual(["c"]);
  });
  it("puts a step before the first, also when there is none", () => {
    expect(ways(insertFirst(chain(), "question").steps)["step_1"]).toEqual(["a", "a"]);
    expect(insertFirst([], "check").steps.map((one) => one.next)).toEqual([null]);
  });
  it("never gives an id twice", () => {
    expect(freshId([step("step_4", null), step("b", null)])).toBe("step_5");
  });
  it("joins what a removed step stood between", () => {
    expect(ways(remove(chain(), "b"))).toEqual({ a: ["c"], c: [null] });
    expect(ways(remove(diamond(), "b"))["a"]).toEqual(["d", "c"]);
    expect(remove(chain(), "a").map(({ id }) => id)).toEqual(["b", "c"]);
    expect(remove([step("a", "a")], "a").length).toBe(1);
  });
  it("moves a step one place earlier or later in a chain, and not over a branch", () => {
    expect(moveEarlier(chain(), "c").map(({ id }) => id)).toEqual(["a", "c", "b"]);
    expect(ways(moveEarlier(chain(), "b"))).toEqual({ b: ["a"], a: ["c"], c: [null] });
    expect(moveLater(chain(), "a").map(({ id }) => id)).toEqual(["b", "a", "c"]);
    expect(canMoveEarlier(diamond(), "b")).toBe(false);
    expect(canMoveLater(diamond(), "c")).toBe(false);
    expect(moveEarlier(diamond(), "d")).toEqual(diamond());
    expect([canMoveEarlier(chain(), "a"), canMoveLater(chain(), "c")]).toEqual([false, false]);
  });
  it("keeps words and ways when a step becomes another kind", () => {
    const asked = changeKind(chain(), "a", "question");
    expect(ways(asked)["a"]).toEqual(["b", "b"]);
    expect(ways(changeKind(diamond(), "a", "condition"))["a"]).toEqual(["b", "c"]);
    const told = changeKind(diamond(), "a", "check")[0]!;
    expect([told.title, told.next, told.branches]).toEqual([words("Is a so?"), "b", undefined]);
  });
  it("leaves what it is given as it was", () => {
    const before = diamond();
    const copy = structuredClone(before);
    remove(before, "b");
    insert(before, "a", 0, "check");
    moveEarlier(before, "b");
    changeKind(before, "a", "wait");
    expect(before).toEqual(copy);
  });
  it("is the same when only the order of members or what says nothing differs", () => {
    expect(isSame({ a: 1, b: { c: null, d: 2 } }, { b: { d: 2 }, a: 1 })).toBe(true);
    expect(isSame([1, 2], [2, 1])).toBe(false);
    expect(arranged(diamond()).map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
  });
});
