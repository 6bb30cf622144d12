/** Times as people type them, by the clock of the city, wherever the browser stands. Pure. */

const formats = new Map<string, Intl.DateTimeFormat>();

function wall(ms: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  const found: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) found[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** "2026-11-22T14:30" as the city's clock shows a moment, for an input of date and time. */
export const toInput = (ms: number, zone: string): string =>
  new Date(wall(ms, zone)).toISOString().slice(0, 16);

/** The moment that an input of date and time means in the city. */
export function fromInput(text: string, zone: string): number {
  const shown = Date.parse(`${text}:00Z`);
  const guess = shown - (wall(shown, zone) - shown);
  return shown - (wall(guess, zone) - guess);
}

export const inputToIso = (text: string, zone: string): string =>
  new Date(fromInput(text, zone)).toISOString();

/** Midnight of the Monday of the week that lies so many weeks from a moment. */
export function mondayOf(ms: number, weeks: number, zone: string): number {
  const today = new Date(wall(ms, zone));
  const day = today.getUTCDate() - ((today.getUTCDay() + 6) % 7) + weeks * 7;
  return fromInput(
    new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), day)).toISOString().slice(0, 16),
    zone,
  );
}

/** How many weeks the week of a moment lies after that of a Monday's midnight. */
export const weeksBetween = (monday: number, ms: number, zone: string): number =>
  Math.round((mondayOf(ms, 0, zone) - monday) / (7 * 86_400_000));

/** The eight midnights of a week that begins at a Monday: seven days, of 23 to 25 hours. */
export function midnights(monday: number, zone: string): number[] {
  const first = new Date(wall(monday, zone));
  return Array.from({ length: 8 }, (_, day) =>
    fromInput(
      new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), first.getUTCDate() + day))
        .toISOString()
        .slice(0, 16),
      zone,
    ),
  );
}
