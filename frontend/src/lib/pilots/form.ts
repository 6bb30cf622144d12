/** The guided form of a plan. Pure: its steps, where a problem belongs, hours and days as people write them. */
import type { Allocation, Draft, Overlap, Problem } from "../api/pilots";

export const STEPS = ["aim", "method", "signals", "periods", "money", "decision", "prove"] as const;
export type Step = (typeof STEPS)[number];

/** The top-level members of the specification that each step asks for. */
const ASKED: Record<Exclude<Step, "prove">, (keyof Draft)[]> = {
  aim: ["title", "service", "boundary", "expected", "fund"],
  method: ["option", "design", "model"],
  signals: ["units", "donors", "temperature"],
  periods: ["baseline", "reporting", "on_weeks", "exclusions", "repairs", "zone"],
  money: ["tariff", "emissions", "cost"],
  decision: ["decision", "allocation", "seed"],
};

const isAt = (problem: Problem, field: string) =>
  problem.field === field || problem.field.startsWith(`${field}.`);

/** What is wrong with a field or a part of it. */
export const problemsAt = (problems: readonly Problem[], field: string): Problem[] =>
  problems.filter((problem) => isAt(problem, field));

/** How many problems a step has; problems that no field asks for belong to the last one. */
export function problemsOf(problems: readonly Problem[], step: Step): Problem[] {
  if (step !== "prove")
    return problems.filter((problem) => ASKED[step].some((field) => isAt(problem, field)));
  const asked = Object.values(ASKED).flat();
  return problems.filter((problem) => !asked.some((field) => isAt(problem, field)));
}

/** Hours as a person writes them: "0-23", "22-5" over midnight, "7-9, 17". */
export function hoursText(hours: readonly number[]): string {
  const sorted = [...new Set(hours)].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const hour of sorted) {
    const last = runs.at(-1);
    if (last && last[1] === hour - 1) last[1] = hour;
    else runs.push([hour, hour]);
  }
  const [first, end] = [runs[0], runs.at(-1)];
  if (runs.length > 1 && first && end && first[0] === 0 && end[1] === 23) {
    runs.shift();
    end[1] = first[1];
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}

/** The hours that a text names; null when it is not such a text. */
export function parseHours(text: string): number[] | null {
  const found = new Set<number>();
  for (const piece of text.split(",").map((one) => one.trim())) {
    const match = /^(\d{1,2})(?:\s*[-–]\s*(\d{1,2}))?$/.exec(piece);
    if (!match) return null;
    const from = Number(match[1]);
    const to = match[2] === undefined ? from : Number(match[2]);
    if (from > 23 || to > 23) return null;
    for (let hour = from; ; hour = (hour + 1) % 24) {
      found.add(hour);
      if (hour === to) break;
    }
  }
  return found.size ? [...found].sort((a, b) => a - b) : null;
}

/** A share that a person typed as per cent; null when it is no number. */
export function parsePercent(text: string): number | null {
  const number = Number(text.trim().replace(",", ".").replace("%", "").replace("−", "-"));
  return text.trim() === "" || !Number.isFinite(number) ? null : Number((number / 100).toFixed(6));
}

/** A number that a person typed, as the server takes it. */
export const decimalText = (text: string): string =>
  text.replaceAll(/\s/g, "").replace(",", ".").replace("−", "-");

/** Mondays of a period, from which the weeks of a randomised pilot are drawn. */
export function mondays(first: string, last: string): string[] {
  const found: string[] = [];
  const day = new Date(`${first}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || Number.isNaN(Date.parse(last))) return [];
  while (day.getUTCDay() !== 1) day.setUTCDate(day.getUTCDate() + 1);
  for (; day.toISOString().slice(0, 10) <= last; day.setUTCDate(day.getUTCDate() + 7)) {
    const end = new Date(day.getTime() + 6 * 86_400_000).toISOString().slice(0, 10);
    if (end <= last) found.push(day.toISOString().slice(0, 10));
  }
  return found;
}

/** Draw half of the weeks, each as likely as any other; `random` gives numbers in [0, 1). */
export function drawHalf(weeks: readonly string[], random: () => number): string[] {
  const pool = [...weeks];
  for (let place = pool.length - 1; place > 0; place -= 1) {
    const other = Math.floor(random() * (place + 1));
    [pool[place], pool[other]] = [pool[other] ?? "", pool[place] ?? ""];
  }
  return pool.slice(0, Math.floor(pool.length / 2)).sort();
}

/** A draft without what is empty, as the server takes it: a field that was cleared is missing, not blank. */
export function cleaned(draft: Draft): Draft {
  const entries = Object.entries(draft).filter(
    ([, value]) => value !== "" && value !== undefined && value !== null,
  );
  const kept = Object.fromEntries(entries) as Draft;
  for (const name of ["baseline", "reporting"] as const)
    if (kept[name] && (!kept[name].first || !kept[name].last)) delete kept[name];
  return kept;
}

/** Equal shares between this plan and those that it overlaps; exactly 1 together. */
export function equalShares(overlaps: readonly Overlap[]): Allocation {
  const count = overlaps.length + 1;
  const each = Math.floor(1e6 / count);
  const own = 1e6 - each * overlaps.length;
  const shares = overlaps.map(({ plan }) => ({ plan, share: String(each / 1e6) }));
  return { rule: "", shares: [{ plan: null, share: String(own / 1e6) }, ...shares] };
}

/** What shares come to, without the noise of binary fractions. */
export const sumOfShares = (allocation: Allocation): number =>
  Math.round(allocation.shares.reduce((sum, one) => sum + Number(one.share), 0) * 1e6) / 1e6;

/** A draft as the form shows it: what a program left out of its prices and cost is what the server takes for it. */
export function filled(draft: Draft): Draft {
  const whole = structuredClone(draft);
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  whole.tariff = whole.tariff?.map((band) => ({
    ...band,
    hours: (band.hours as number[] | undefined) ?? hours,
    weekdays: (band.weekdays as number[] | undefined) ?? [0, 1, 2, 3, 4, 5, 6],
    above: (band.above as string | undefined) ?? "0",
  }));
  if (whole.cost) whole.cost.days_a_year = (whole.cost.days_a_year as number | undefined) ?? 365;
  return whole;
}
