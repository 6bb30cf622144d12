/** Counts of ten minutes drawn as so many bars at most: each bar the most of its ten-minute spans. */
export interface Bin {
  /** Which of the counts, from, and how many. */
  first: number;
  size: number;
  most: number;
}

export function binned(counts: readonly number[], atMost: number): Bin[] {
  const size = Math.max(1, Math.ceil(counts.length / atMost));
  const bins: Bin[] = [];
  for (let first = 0; first < counts.length; first += size) {
    const part = counts.slice(first, first + size);
    bins.push({ first, size: part.length, most: Math.max(...part) });
  }
  return bins;
}

/** Every day from the first to the last (dates as 2026-11-22), each with its figure or 0. */
export function everyDay(
  days: readonly { day: string; calls: number }[],
  from: string,
  until: string,
): { day: string; calls: number }[] {
  const known = new Map(days.map(({ day, calls }) => [day, calls]));
  const found: { day: string; calls: number }[] = [];
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= Date.parse(`${until}T00:00:00Z`); at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    found.push({ day, calls: known.get(day) ?? 0 });
  }
  return found;
}
