/** The course of a pilot day by day, and its twin month by month. Pure. */
import type { Course, Finding } from "../api/pilots";

export interface Month {
  month: string;
  days: number;
  actual: number | null;
  counterfactual: number | null;
  saved: number | null;
  cumulative: number | null;
  low: number | null;
  high: number | null;
}

/** Sums by month over the days on which both are known; the cumulative figures are those of its last known day. */
export function months(course: Course): Month[] {
  const found = new Map<string, Month>();
  course.days.forEach((day, place) => {
    const name = day.slice(0, 7);
    let month = found.get(name);
    if (!month) {
      month = {
        month: name,
        days: 0,
        actual: null,
        counterfactual: null,
        saved: null,
        cumulative: null,
        low: null,
        high: null,
      };
      found.set(name, month);
    }
    const [actual, counterfactual] = [course.actual[place] ?? null, course.counterfactual[place] ?? null];
    if (actual !== null && counterfactual !== null) {
      month.days += 1;
      month.actual = (month.actual ?? 0) + actual;
      month.counterfactual = (month.counterfactual ?? 0) + counterfactual;
      month.saved = (month.saved ?? 0) + counterfactual - actual;
    }
    if ((course.cumulative[place] ?? null) !== null) {
      month.cumulative = course.cumulative[place] ?? null;
      month.low = course.cumulative_low[place] ?? null;
      month.high = course.cumulative_high[place] ?? null;
    }
  });
  return [...found.values()];
}

/** Days as steps of time from the first, for a scale: UTC, so that no summer time bends the axis. */
export const dayNumber = (iso: string): number => Date.parse(`${iso.slice(0, 10)}T00:00:00Z`) / 86_400_000;

/** First days of months inside a course, not more than `count` of them. */
export function monthStarts(days: readonly string[], count: number): string[] {
  const starts = days.filter((day) => day.endsWith("-01"));
  if (starts.length === 0) return days.length ? [days[0] ?? ""] : [];
  const step = [1, 2, 3, 6, 12].find((every) => starts.length / every <= count) ?? 24;
  return starts.filter((day) => (Number(day.slice(5, 7)) - 1) % step === 0);
}

/** The days of a finding that fall into a course; a finding without an end is one of a day. */
export function markOf(finding: Finding, days: readonly string[]): { from: string; to: string } | null {
  const [first, last] = [days[0], days.at(-1)];
  const from = finding.first;
  const to = finding.last ?? finding.first;
  if (!from || !to || !first || !last || to < first || from > last) return null;
  return { from: from < first ? first : from, to: to > last ? last : to };
}

/** A course of more days than this is drawn as means of a week: single days would be a fence. */
export const MANY_DAYS = 120;

/** Means over the seven days around each; a day that is not known stays a gap. */
export const weekly = (values: readonly (number | null)[]): (number | null)[] =>
  values.map((value, place) => {
    if (value === null) return null;
    const around = values.slice(Math.max(0, place - 3), place + 4).filter((one) => one !== null);
    return around.reduce((sum, one) => sum + one, 0) / around.length;
  });

/** The part of a course between two days, both included. */
export function between(course: Course, first: string, last: string): Course {
  const keep = course.days.map((day) => day >= first && day <= last);
  const cut = <Item>(list: readonly Item[]) => list.filter((_, place) => keep[place]);
  return {
    days: cut(course.days),
    actual: cut(course.actual),
    counterfactual: cut(course.counterfactual),
    cumulative: cut(course.cumulative),
    cumulative_low: cut(course.cumulative_low),
    cumulative_high: cut(course.cumulative_high),
  };
}
