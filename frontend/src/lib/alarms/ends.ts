export type EndName = "30m" | "1h" | "4h" | "8h" | "24h" | "7d" | "open";

const HOURS: Record<Exclude<EndName, "open">, number> = {
  "30m": 0.5,
  "1h": 1,
  "4h": 4,
  "8h": 8,
  "24h": 24,
  "7d": 168,
};

/** When what hides an alarm may end: a shelf within a day (a minute short of it: clocks differ), the rest also later. */
export function ends(
  shelf: boolean,
  now = Date.now(),
): { name: EndName; length: string; at: string | null }[] {
  const names = (Object.keys(HOURS) as (keyof typeof HOURS)[]).filter((name) => !shelf || HOURS[name] <= 24);
  const timed = names.map((name) => {
    const slack = HOURS[name] === 24 ? 60_000 : 0;
    return {
      name: name as EndName,
      length: name.replace("m", "\u00a0min").replace("h", "\u00a0h").replace("d", "\u00a0d"),
      at: new Date(now + HOURS[name] * 3_600_000 - slack).toISOString(),
    };
  });
  return shelf ? timed : [{ name: "open", length: "", at: null }, ...timed];
}
