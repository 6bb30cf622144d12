/** The shapes of results, ledger and long work in `/api/pilots`. What is unknown comes as null. */
import type { Service, Texts } from "../types";
import type {
  CostResult,
  DecimalInterval,
  Decision,
  Id,
  Interval,
  PlanRow,
  PlanState,
  Verdict,
} from "./plan";

/** Why something came to nothing: a sentence, and its code and values for saying it in another language. */
export interface Refused {
  code: string;
  detail: string;
  values?: Record<string, string | number>;
}

export interface Job<Result> {
  id: string;
  state: "waiting" | "running" | "done" | "failed";
  done: number;
  of: number;
  stage: "reading" | "computing" | "writing" | null;
  result: Result | null;
  error: Refused | null;
}

export interface Finding {
  code: string;
  severity: "refused" | "warning" | "repaired" | "note";
  text: string;
  subject: string | null;
  first: string | null;
  last: string | null;
  values: Record<string, number | string>;
}

export interface Fit {
  cv_rmse_hourly: number | null;
  cv_rmse_daily: number | null;
  cv_rmse_monthly: number | null;
  nmbe: number | null;
  r2: number | null;
  within_guideline_14: boolean | null;
}

/** Day by day; all lists have one entry a day, null where nothing is known. */
export interface Course {
  days: string[];
  actual: (number | null)[];
  counterfactual: (number | null)[];
  cumulative: (number | null)[];
  cumulative_low: (number | null)[];
  cumulative_high: (number | null)[];
}

export interface UnitOutcome {
  name: string;
  model: string;
  actual: number | null;
  counterfactual: number | null;
  saving: number | null;
  fit: Fit | null;
  weights: Record<string, number>;
}

export interface Outcome {
  verdict: Verdict;
  unit: string;
  actual: number | null;
  counterfactual: number | null;
  saving: number | null;
  fraction: number | null;
  interval: Interval;
  guideline_14: Interval | null;
  p_value: number | null;
  units: UnitOutcome[];
  course: Course;
  findings: Finding[];
  days: number;
}

export type EventAnswer = "routine" | "excluded" | "adjusted";

export interface PilotEvent {
  id: Id;
  finding: Finding;
  found_at: string;
  answer: { answer: EventAnswer; note: string; by: string; at: string; amendment: number | null } | null;
}

export interface Watch {
  outcome: Outcome | null;
  money: (DecimalInterval & { currency: string; vat_included: boolean | null }) | null;
  tonnes: DecimalInterval | null;
  cost: CostResult | null;
  computed_at: string | null;
  until: string | null;
  sufficiency: Finding[];
  events: PilotEvent[];
  data_changed: boolean;
  changes: { signal: string; sentence: Texts }[];
  rule_decision: Decision | null;
  job: string | null;
  /** Why the last computation came to nothing; null when it did not. */
  failure: Refused | null;
}

export interface LedgerEntry {
  id: Id;
  plan: Id;
  title: string;
  service: Service;
  fund: string;
  first: string;
  last: string;
  decided_at: string;
  decided_by: string;
  verdict: Verdict;
  decision: Decision;
  rule_decision: Decision | null;
  note: string;
  corrects: Id | null;
  corrected_by: Id | null;
  simulated: boolean;
  /** Entries that were written before this was said have neither. */
  signed_late?: boolean;
  changed_late?: string[];
  share: string;
  unit: string;
  saving: number | null;
  interval: Interval;
  fraction: number | null;
  p_value: number | null;
  guideline_14: Interval | null;
  money: DecimalInterval;
  currency: string;
  vat_included: boolean | null;
  tonnes: DecimalInterval | null;
  /** Entries of before plans had a cost have none. */
  cost?: CostResult | null;
  hash: string;
  audit_position: number;
}

export interface Sums {
  savings: {
    unit: string;
    value: number | string | null;
    low: number | string | null;
    high: number | string | null;
  }[];
  money: DecimalInterval | null;
  tonnes: DecimalInterval | null;
}

/** A sum of the ledger: what was shown, and under `all` also what was not shown. */
export interface LedgerSum extends Sums {
  key: string;
  simulated: boolean;
  entries: number;
  shown: number;
  not_shown: number;
  level: number;
  all: Sums;
}

export interface Ledger {
  entries: LedgerEntry[];
  by_service: LedgerSum[];
  by_year: LedgerSum[];
  /** Keys are both: heating/2025. */
  by_service_year: LedgerSum[];
  by_fund: LedgerSum[];
  total: LedgerSum;
  total_simulated: LedgerSum;
  rule: Texts;
  currency: string;
}

export interface Summary {
  plans: PlanRow[];
  total: LedgerSum;
  total_simulated: LedgerSum;
  by_service: LedgerSum[];
  counts: Record<PlanState | "open_events", number>;
  rule: Texts;
  as_of: string;
}

export interface Answer {
  answer: EventAnswer;
  note: string;
  first?: string;
  last?: string;
  amount_per_day?: string;
}
