import { describe, expect, it } from "vitest";
import { placeLabels, type Label } from "../src/lib/map/labels";

const label = (id: number, x: number, y: number): Label => ({ id, at: [x, y], width: 80, height: 20 });
const FRAME = { width: 400, height: 400 };
const marksOf = (labels: Label[]) => labels.map((one) => one.at);

describe("names on the map", () => {
  it("stand above their marks where there is room", () => {
    const labels = [label(1, 100, 100), label(2, 300, 100)];
    expect([...placeLabels(labels, marksOf(labels), 14, FRAME).values()]).toEqual(["top", "top"]);
  });

  it("step aside for the mark of a task", () => {
    expect(placeLabels([label(1, 100, 100)], [[100, 100], [100, 75]], 14, FRAME).get(1)).toBe("right"); // prettier-ignore
  });

  it("step aside for one another, and give way where no side is left", () => {
    const labels = [1, 2, 3, 4, 5].map((id) => label(id, 100, 100));
    const sides = placeLabels(labels, marksOf(labels), 14, FRAME);
    expect([...sides.values()]).toEqual(["top", "right", "left", "bottom", null]);
  });

  it("are not cut by the edge of the map", () => {
    expect(placeLabels([label(1, 390, 10)], [], 14, FRAME).get(1)).toBe("left");
  });

  it("stay where they stood for as long as there is room", () => {
    const one = label(1, 100, 100);
    expect(placeLabels([one], [one.at], 14, FRAME, new Map([[1, "left"]])).get(1)).toBe("left");
    expect(placeLabels([one], [one.at, [50, 100]], 14, FRAME, new Map([[1, "left"]])).get(1)).toBe("top");
  });

  it("come back when there is room again", () => {
    const one = label(1, 100, 100);
    expect(placeLabels([one], [one.at], 14, FRAME, new Map([[1, null]])).get(1)).toBe("top");
  });
});
