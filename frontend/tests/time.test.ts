import { describe, expect, it } from "vitest";
import { ageOf, day, dayOfField, duration, isStale, moment, writesOtherwise } from "../src/lib/time";

const now = Date.parse("2026-11-22T13:32:00Z");
const before = (seconds: number) => new Date(now - seconds * 1000).toISOString();
const BELGRADE = "Europe/Belgrade";

describe("age", () => {
  it.each([
    [1, { unit: "now", n: 0 }],
    [20, { unit: "seconds", n: 20 }],
    [360, { unit: "minutes", n: 6 }],
    [7200, { unit: "hours", n: 2 }],
    [3 * 86_400, { unit: "days", n: 3 }],
    [-30, { unit: "now", n: 0 }],
    [-300, { unit: "ahead", n: 0 }],
  ])("of %d seconds", (seconds, age) => {
    expect(ageOf(before(seconds), now)).toEqual(age);
  });

  it("of nothing is never", () => {
    expect(ageOf(null, now).unit).toBe("never");
  });
});

describe("staleness", () => {
  it("begins after three expected intervals", () => {
    expect(isStale(before(170), now, 60)).toBe(false);
    expect(isStale(before(190), now, 60)).toBe(true);
  });

  it("is granted to what has never been heard", () => {
    expect(isStale(null, now, 60)).toBe(true);
  });
});

describe("clock times of the city", () => {
  it("are short today and dated on other days", () => {
    expect(moment(now, now, BELGRADE)).toBe("14:32");
    expect(moment(now - 86_400_000, now, BELGRADE)).toBe("21.11.2026 14:32");
  });

  it("change the day at the city's midnight, not at that of UTC", () => {
    expect(day(Date.parse("2026-11-22T23:30:00Z"), BELGRADE)).toBe("23.11.2026");
  });

  it("follow summer time", () => {
    expect(moment(Date.parse("2026-07-01T12:00:00Z"), now, BELGRADE)).toBe("1.7.2026 14:00");
  });
});

it("writes intervals in their largest unit", () => {
  expect([30, 600, 7200, 3 * 86_400].map(duration)).toEqual(["30 s", "10 min", "2 h", "3 d"]);
});

describe("a field of a browser", () => {
  it.each([
    ["en-US", true],
    ["en-GB", false],
    ["sr", false],
    ["sv", false],
  ])("of %s writes otherwise: %s", (language, otherwise) => {
    expect(writesOtherwise(language)).toBe(otherwise);
  });

  it.each([
    ["2024-09-01", "1.9.2024"],
    ["2026-11-23T06:30", "23.11.2026 06:30"],
    ["06:30", "06:30"],
    ["", ""],
  ])("with %s says %s", (value, said) => {
    expect(dayOfField(value)).toBe(said);
  });
});
