/** Names beside marks: a name goes where it covers no mark and no other name, or gives way. Marks always stay. */

/** A place on the screen, in pixels. */
export type Point = [x: number, y: number];

export interface Label {
  id: number;
  /** The middle of its mark. */
  at: Point;
  width: number;
  height: number;
}

/** Where a name stands, seen from its mark. */
export type Side = "top" | "right" | "left" | "bottom";

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const SIDES: Side[] = ["top", "right", "left", "bottom"];
const GAP = 2;

/**
 * The side on which each label stands, null for one that gives way; earlier labels go first.
 * A label stays where it stood `before` for as long as there is room, so that names do not hop about.
 * `marks` are the middles of all marks, `radius` is half the side of one; no name is cut by the edge of the `frame`.
 */
export function placeLabels(
  labels: Label[],
  marks: Point[],
  radius: number,
  frame: { width: number; height: number },
  before: Map<number, Side | null> = new Map(),
): Map<number, Side | null> {
  const taken = marks.map((at) => boxAround(at, radius, radius));
  const placed = new Map<number, Side | null>();
  for (const label of labels) {
    const stood = before.get(label.id);
    const side = (stood ? [stood, ...SIDES] : SIDES).find((one) => {
      const box = boxOf(label, one, radius);
      return isWithin(box, frame) && !taken.some((other) => overlap(box, other));
    });
    if (side) taken.push(boxOf(label, side, radius));
    placed.set(label.id, side ?? null);
  }
  return placed;
}

function boxOf({ at: [x, y], width, height }: Label, side: Side, radius: number): Box {
  const [right, down] = [radius + GAP + width / 2, radius + GAP + height / 2];
  const middle: Record<Side, Point> = {
    top: [x, y - down],
    right: [x + right, y],
    left: [x - right, y],
    bottom: [x, y + down],
  };
  return boxAround(middle[side], width / 2, height / 2);
}

const boxAround = ([x, y]: Point, across: number, along: number): Box => ({
  left: x - across,
  top: y - along,
  right: x + across,
  bottom: y + along,
});

const isWithin = (box: Box, frame: { width: number; height: number }): boolean =>
  box.left >= 0 && box.top >= 0 && box.right <= frame.width && box.bottom <= frame.height;

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
