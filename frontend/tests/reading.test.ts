import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reading } from "../src/lib/reading";

/** A server that answers when it is told to. */
class Line {
  private waiting: { resolve: (text: string) => void; reject: (error: Error) => void }[] = [];
  ask = () => new Promise<string>((resolve, reject) => this.waiting.push({ resolve, reject }));

  get asked(): number {
    return this.waiting.length;
  }
  async answer(request: number, text: string): Promise<void> {
    this.waiting[request]?.resolve(text);
    await settled();
  }
  async fail(request: number, text: string): Promise<void> {
    this.waiting[request]?.reject(new Error(text));
    await settled();
  }
}

const settled = async () => {
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
};

describe("what a page reads again and again", () => {
  let line: Line;
  let shown: string[];
  let failures: string[];
  const reading = (restMs = 0) =>
    new Reading(
      line.ask,
      (text) => shown.push(text),
      (error) => failures.push((error as Error).message),
      restMs,
    );

  beforeEach(() => {
    line = new Line();
    shown = [];
    failures = [];
  });
  afterEach(() => void vi.useRealTimers());

  it("takes of overlapping readings the one that began last", async () => {
    const asset = reading();
    void asset.anew();
    void asset.anew();
    await line.answer(1, "asset B");
    await line.answer(0, "asset A");
    expect(shown).toEqual(["asset B"]);
  });

  it("makes two requests of a burst, the second after all of it", async () => {
    const alarms = reading();
    alarms.begin();
    for (let event = 0; event < 50; event += 1) void alarms.again();
    expect(line.asked).toBe(1);
    await line.answer(0, "before the burst");
    expect(line.asked).toBe(2);
    await line.answer(1, "after the burst");
    expect(line.asked).toBe(2);
    expect(shown).toEqual(["before the burst", "after the burst"]);
  });

  it("never has two requests under way, also when it is asked between two of them", async () => {
    const alarms = reading();
    const ended = alarms.anew();
    void alarms.again();
    void ended.then(() => alarms.again());
    await line.answer(0, "first");
    expect(line.asked).toBe(2);
  });

  it("reads again after it was at rest", async () => {
    const alarms = reading();
    alarms.begin();
    await line.answer(0, "first");
    void alarms.again();
    await line.answer(1, "second");
    expect(shown).toEqual(["first", "second"]);
  });

  it("is over with the answer to a request that began after it was asked", async () => {
    const alarms = reading();
    alarms.begin();
    let isOver = false;
    void alarms.again().then(() => (isOver = true));
    await line.answer(0, "before");
    expect(isOver).toBe(false);
    await line.answer(1, "after");
    expect(isOver).toBe(true);
  });

  it("shows the failure of a reading", async () => {
    reading().begin();
    await line.fail(0, "no line");
    expect(failures).toEqual(["no line"]);
  });

  it("does not show the failure of an outdated reading", async () => {
    const asset = reading();
    void asset.anew();
    void asset.anew();
    await line.fail(0, "no asset A");
    await line.answer(1, "asset B");
    expect(failures).toEqual([]);
    expect(shown).toEqual(["asset B"]);
  });

  it("does not show a failure while another request waits", async () => {
    const alarms = reading();
    alarms.begin();
    void alarms.again();
    await line.fail(0, "no line");
    await line.answer(1, "alarms");
    expect(failures).toEqual([]);
    expect(shown).toEqual(["alarms"]);
  });

  it("takes nothing, and asks for nothing more, when the component has gone", async () => {
    const alarms = reading();
    const end = alarms.begin();
    void alarms.again();
    end();
    await line.answer(0, "too late");
    void alarms.again();
    expect(line.asked).toBe(1);
    expect(shown).toEqual([]);
  });

  it("does not show what fails when the component has gone", async () => {
    const end = reading().begin();
    end();
    await line.fail(0, "too late");
    expect(failures).toEqual([]);
  });

  it("rests between two requests when it is told to", async () => {
    vi.useFakeTimers();
    const asset = reading(1000);
    asset.begin();
    await line.answer(0, "first");
    void asset.again();
    await vi.advanceTimersByTimeAsync(999);
    expect(line.asked).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(line.asked).toBe(2);
  });

  it("begins at once with something else, without a rest", async () => {
    vi.useFakeTimers();
    const asset = reading(1000);
    asset.begin();
    await line.answer(0, "asset A");
    void asset.anew();
    expect(line.asked).toBe(2);
  });
});
