/** Which sentence says a result. Pure: keys and parameters; the words are in the catalogue. */
import type { CostResult, Interval, Verdict } from "../api/pilots";
import type { PilotsKey } from "../i18n/pilots";
import { p } from "../i18n/pilots";
import { amount, figure, money, percent } from "./figures";

export interface Said {
  key: PilotsKey;
  parameters: Record<string, string | number>;
}

interface Result {
  verdict: Verdict | null;
  saving: number | null;
  fraction: number | null;
  unit: string | null;
  interval: Interval | null;
}

/** What came out, in one sentence. */
export function verdictSentence({ verdict, saving, fraction, unit }: Result): Said {
  if (verdict === null || saving === null) return { key: "say.nothingYet", parameters: {} };
  const parameters = { amount: amount(Math.abs(saving), unit), share: percent(Math.abs(fraction ?? NaN)) };
  if (verdict === "not_shown")
    return { key: saving < 0 ? "say.notShownMore" : "say.notShownLess", parameters };
  return { key: verdict === "saved" ? "say.saved" : "say.worse", parameters };
}

/** Where the true figure lies, in one sentence that says what the level means. */
export function intervalSentence(interval: Interval | null, unit: string | null): Said {
  if (!interval || (interval.low === null && interval.high === null))
    return { key: "say.noInterval", parameters: {} };
  const parameters = {
    level: percent(interval.level),
    n: Math.round(interval.level * 100),
    low: amount(interval.low, unit),
    high: amount(interval.high, unit),
  };
  if (interval.low !== null && interval.high !== null && interval.high < 0)
    return {
      key: "say.betweenLoss",
      parameters: { ...parameters, low: amount(-interval.high, unit), high: amount(-interval.low, unit) },
    };
  if (interval.low === null) return { key: "say.atMost", parameters };
  if (interval.high === null) return { key: "say.atLeast", parameters };
  return { key: "say.between", parameters };
}

interface Worth {
  verdict: Verdict | null;
  money: string | null;
  money_interval: { low: string | null; high: string | null } | null;
  currency: string | null;
}

/** What it is worth at the frozen prices; null when that is not known. */
export function worthSentence({
  verdict,
  money: value,
  money_interval: range,
  currency,
}: Worth): Said | null {
  if (value === null || verdict === null) return null;
  const text = (one: string | number | null | undefined) => money(one, currency ?? "RSD");
  const isKnown = range !== null && range.low !== null && range.high !== null;
  const parameters = { value: text(Math.abs(Number(value))), low: text(range?.low), high: text(range?.high) };
  if (!isKnown && verdict === "not_shown")
    return { key: "worth.notShownOpen", parameters: { value: text(value) } };
  if (!isKnown) return { key: verdict === "worse" ? "worth.lostOpen" : "worth.open", parameters };
  if (verdict === "not_shown") return { key: "worth.notShown", parameters };
  if (verdict === "saved") return { key: "worth.saved", parameters };
  return {
    key: "worth.lost",
    parameters: { ...parameters, low: text(-Number(range.high)), high: text(-Number(range.low)) },
  };
}

/** A payback as people say it: in months below two years. */
export function payback(years: number | null): string {
  if (years === null) return "";
  const isShort = years < 2;
  return p(isShort ? "cost.months" : "cost.years", {
    value: figure(Number((isShort ? years * 12 : years).toFixed(1))),
  });
}

/** What it cost and whether that is paid back; null where the plan says no cost. */
export function costSentence(cost: CostResult | null | undefined, verdict: Verdict | null): Said | null {
  if (!cost) return null;
  const text = (one: string | null | undefined) => money(one, cost.currency);
  const { payback_years: years, yearly } = cost;
  const parameters = {
    cost: text(cost.amount),
    value: text(yearly?.value),
    low: text(yearly?.low),
    high: text(yearly?.high),
  };
  if (!years || !yearly || verdict !== "saved")
    return { key: verdict === "worse" ? "cost.worse" : "cost.notShown", parameters };
  const all = {
    ...parameters,
    years: payback(years.value),
    from: payback(years.low),
    to: payback(years.high),
  };
  if (years.low === null && years.high === null) return { key: "cost.open", parameters: all };
  if (years.high === null) return { key: "cost.atLeast", parameters: all };
  return { key: years.low === null ? "cost.atMost" : "cost.paid", parameters: all };
}

/** How often nothing looked like this, in one sentence. */
export function chanceSentence(pValue: number | null, placebos: number): Said {
  if (pValue === null || placebos === 0) return { key: "say.noPlacebo", parameters: {} };
  return { key: "say.chance", parameters: { n: placebos, share: percent(pValue) } };
}

/** How sure the choice of three is. */
export function choiceSentence(probability: number): PilotsKey {
  if (probability >= 0.8) return "say.choiceSure";
  if (probability >= 0.5) return "say.choiceLikely";
  return "say.choiceOpen";
}

/** Whether the data could show the saving: by the chance that it is at least what can be detected. */
export function provability(chance: number): PilotsKey {
  if (chance >= 0.8) return "provable.yes";
  if (chance >= 0.5) return "provable.barely";
  return "provable.no";
}
