/** Ages and clock times. Pure: the caller gives "now" and the city's time zone. */

export type Age =
  { unit: "never" | "now" | "ahead"; n: 0 } | { unit: "seconds" | "minutes" | "hours" | "days"; n: number };

/** How long before `now` (both epoch milliseconds) something was; a minute ahead is still "now". */
export function ageOf(iso: string | null, now: number): Age {
  if (!iso) return { unit: "never", n: 0 };
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < -60) return { unit: "ahead", n: 0 };
  if (seconds < 2) return { unit: "now", n: 0 };
  if (seconds < 60) return { unit: "seconds", n: Math.floor(seconds) };
  if (seconds < 3600) return { unit: "minutes", n: Math.floor(seconds / 60) };
  if (seconds < 2 * 86400) return { unit: "hours", n: Math.floor(seconds / 3600) };
  return { unit: "days", n: Math.floor(seconds / 86400) };
}

/** Whether a value has had no successor for three expected intervals (five minutes when none is known). */
export function isStale(iso: string | null, now: number, expectedIntervalSeconds: number | null): boolean {
  if (!iso) return true;
  const limit = expectedIntervalSeconds ? expectedIntervalSeconds * 3 : 3600;
  return (now - Date.parse(iso)) / 1000 > Math.max(limit, 60);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${zone}|${key}`;
  let found = formats.get(name);
  if (!found) formats.set(name, (found = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options })));
  return found;
}

const two = { hour: "2-digit", minute: "2-digit" } as const;

export const clock = (ms: number, zone: string) => format(zone, "clock", two).format(ms);
export const clockSeconds = (ms: number, zone: string) =>
  format(zone, "seconds", { ...two, second: "2-digit" }).format(ms);

/** Day as 22.11.2026, the form of Serbia and readable in English; sortable forms are for files. */
export function day(ms: number, zone: string): string {
  const parts = format(zone, "day", { day: "numeric", month: "numeric", year: "numeric" }).formatToParts(ms);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return `${value("day")}.${value("month")}.${value("year")}`;
}

/** "14:32" for today, "21.11.2026 14:32" for any other day. */
export function moment(ms: number, now: number, zone: string, seconds = false): string {
  const time = seconds ? clockSeconds(ms, zone) : clock(ms, zone);
  return day(ms, zone) === day(now, zone) ? time : `${day(ms, zone)} ${time}`;
}

/** A length of time in its largest whole unit, for intervals and steps. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** Whether a browser writes dates in its fields in another order than the city does, or hours with am and pm. */
export function writesOtherwise(language: string = navigator.language): boolean {
  const shown = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" }).formatToParts(
    0,
  );
  const at = (type: string) => shown.findIndex((part) => part.type === type);
  return at("dayPeriod") >= 0 || (at("month") < at("day") && at("year") > at("day"));
}

/** What stands in a field of a date, of a time or of both, as the city writes it. */
export const dayOfField = (value: string): string =>
  value.replace(
    /^(\d{4})-(\d{2})-(\d{2})(?:T(?=\d))?/,
    (whole, year: string, month: string, date: string) =>
      `${Number(date)}.${Number(month)}.${year}${whole.endsWith("T") ? " " : ""}`,
  );
