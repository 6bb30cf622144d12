/** Which sentence says a result. Pure: keys and parameters; the words are in the catalogue. */
import type { Interval, Verdict } from "../api/pilots";
import type { PilotsKey } from "../i18n/pilots";
import { amount, percent } from "./figures";

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
  if (verdict === "not_shown") return { key: "say.notShown", parameters };
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
