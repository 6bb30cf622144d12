import { afterEach, describe, expect, it, vi } from "vitest";
import { sortedInSlices } from "../src/lib/slices";

const MANY = Array.from({ length: 20_000 }, (_, at) => ({ rank: (at * 7919) % 613, at }));
const byRank = (one: { rank: number }, other: { rank: number }) => one.rank - other.rank;

describe("sorting a long list a slice at a time", () => {
  afterEach(() => vi.restoreAllMocks());

  it("gives what the browser's own sort gives, equal ones in their order", async () => {
    expect(await sortedInSlices(MANY, byRank, () => true)).toEqual(MANY.toSorted(byRank));
    expect(await sortedInSlices([], byRank, () => true)).toEqual([]);
  });

  it("gives way within a slice of time, however long one comparison takes", async () => {
    let clock = 0;
    let slice = { turn: 0, begun: 0 };
    let longest = 0;
    const turns = vi.spyOn(globalThis, "setTimeout");
    vi.spyOn(performance, "now").mockImplementation(() => clock);
    const slow = (one: { rank: number }, other: { rank: number }) => {
      const turn = turns.mock.calls.length;
      if (turn !== slice.turn) slice = { turn, begun: clock };
      clock += 0.002;
      longest = Math.max(longest, clock - slice.begun);
      return byRank(one, other);
    };
    await sortedInSlices(MANY, slow, () => true);
    expect(turns.mock.calls.length).toBeGreaterThan(20);
    expect(longest).toBeLessThan(20);
  });

  it("stops where nobody wants it any more", async () => {
    vi.spyOn(performance, "now").mockImplementation(
      (
        (now) => () =>
          (now += 10)
      )(0),
    );
    let compared = 0;
    const counted = (one: { rank: number }, other: { rank: number }) => (compared++, byRank(one, other));
    expect(await sortedInSlices(MANY, counted, () => false)).toBeNull();
    expect(compared).toBeLessThan(MANY.length);
  });
});
