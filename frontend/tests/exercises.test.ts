import { describe, expect, it } from "vitest";
import type { Exercise, Scenario } from "../src/lib/api/exercises";
import { clockSeconds, clockText, forPeople, heard, isNewer } from "../src/lib/exercises/clock";

const BEGIN = Date.parse("2026-03-01T09:00:00Z");
const an = (fields: Partial<Exercise> = {}): Exercise =>
  ({
    state: "running",
    speed: 10,
    clock_seconds: 30,
    counted_at: "2026-03-01T09:00:00Z",
    minutes: 2,
    version: 3,
    ...fields,
  }) as Exercise;

describe("the clock of an exercise", () => {
  it("goes on from where it was counted, at its speed, up to the end", () => {
    expect(clockSeconds(an(), BEGIN + 2000)).toBe(50);
    expect(clockSeconds(an(), BEGIN + 60_000)).toBe(120);
  });

  it("stands while it is paused, and when our clock is behind the server's", () => {
    expect(clockSeconds(an({ state: "paused" }), BEGIN + 9000)).toBe(30);
    expect(clockSeconds(an(), BEGIN - 5000)).toBe(30);
  });

  it("is written in minutes, also beyond an hour", () => {
    expect(clockText(4325.9)).toBe("72:05");
    expect(clockText(0)).toBe("00:00");
  });
});

describe("what a fast clock leaves people", () => {
  it("the scenario and its shortest target shrink alike", () => {
    const scenario = { minutes: 90, targets: [{ within: 8 }, { within: 5 }, { within: 75 }] } as Scenario;
    expect(forPeople(scenario, 1)).toEqual({ length: 5400, shortest: 300 });
    expect(forPeople(scenario, 10)).toEqual({ length: 540, shortest: 30 });
  });
});

type Event = NonNullable<Exercise["events"]>[number];
const event = (kind: Event["do"], fired_at: string | null) => ({ id: kind, do: kind, fired_at }) as Event;
const call = event("call", "2026-03-01T09:00:01Z");
const coming = event("call", null);
const readings = event("readings", "2026-03-01T09:00:01Z");

describe("two views of one exercise", () => {
  it("the higher version is the newer, then the one that heard more", () => {
    const later = an({ events: [call] });
    expect(isNewer(an(), an({ version: 2 }))).toBe(false);
    expect(isNewer(an(), an({ version: 4 }))).toBe(true);
    expect(isNewer(an({ events: [coming] }), later)).toBe(true);
    expect(isNewer(later, an({ events: [coming] }))).toBe(false);
  });

  it("who leads hears of a call by the stream, though the answer before had more events", () => {
    const known = heard(an({ events: [readings, coming] }));
    const told = heard(an({ events: [call] }));
    expect(isNewer(known, told)).toBe(true);
    expect(told.events).toEqual([call]);
  });
});
