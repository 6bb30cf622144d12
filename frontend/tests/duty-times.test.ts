import { expect, test } from "vitest";
import { fromInput, midnights, mondayOf, toInput, weeksBetween } from "../src/lib/duty/times";

const ZONE = "Europe/Belgrade";

test("what is typed is what the city's clock shows, before and after it jumps", () => {
  for (const text of [
    "2026-03-29T01:59",
    "2026-03-29T03:00",
    "2026-10-25T01:59",
    "2026-10-25T03:00",
    "2026-07-01T12:00",
  ])
    expect(toInput(fromInput(text, ZONE), ZONE)).toBe(text);
  expect(new Date(fromInput("2026-11-22T14:30", ZONE)).toISOString()).toBe("2026-11-22T13:30:00.000Z");
});

test("a week has seven days of 23 to 25 hours", () => {
  const days = midnights(mondayOf(Date.parse("2026-10-22T10:00Z"), 0, ZONE), ZONE);
  const hours = days.slice(1).map((end, day) => (end - days[day]!) / 3_600_000);
  expect(hours).toEqual([24, 24, 24, 24, 24, 24, 25]);
  expect(toInput(days[0]!, ZONE)).toBe("2026-10-19T00:00");
});

test("weeks are counted from Monday to Monday, also when the clock jumps between them", () => {
  const monday = mondayOf(Date.parse("2026-10-22T10:00Z"), 0, ZONE);
  expect(weeksBetween(monday, fromInput("2026-10-25T23:59", ZONE), ZONE)).toBe(0);
  expect(weeksBetween(monday, fromInput("2026-10-26T00:00", ZONE), ZONE)).toBe(1);
  expect(weeksBetween(monday, fromInput("2026-10-18T23:59", ZONE), ZONE)).toBe(-1);
});
