import { describe, expect, it } from "vitest";
import { Openings } from "../src/lib/opening";

describe("an opening of a dialog", () => {
  function dialog() {
    let closed = 0;
    const openings = new Openings(() => {
      closed += 1;
      openings.turn();
    });
    openings.turn();
    return { openings, closed: () => closed };
  }

  it("closes the dialog that it opened, once", () => {
    const { openings, closed } = dialog();
    const { now } = openings;
    expect(now.stands).toBe(true);
    expect([now.close(), now.close()]).toEqual([true, false]);
    expect([closed(), now.stands]).toEqual([1, false]);
  });

  it("leaves alone what was opened after it", () => {
    const { openings, closed } = dialog();
    const first = openings.now;
    openings.turn();
    expect([first.stands, first.close(), closed()]).toEqual([false, false, 0]);
    expect(openings.now.stands).toBe(true);
  });
});
