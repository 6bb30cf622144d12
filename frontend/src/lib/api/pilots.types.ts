/** The shapes of `/api/pilots`. Money comes as decimal text, days as ISO dates, what is unknown as null. */
import type { Origin, Service, Texts } from "./types";

export interface Range {
  low: number;
  likely: number;
  high: number;
}

export interface Candidate {
  service: Service;
  title: Texts;
  scope: Texts;
  cost: Range;
  yearly_cost: Range;
  price: { unit: string; value: Range; source: string };
  chance_of_failure: number;
  saving_fraction: Range;
  annual_base: { value: number; unit: string };
  annual_value: Range;
  years: number;
  who_gains: Texts;
  risk: Texts;
  detectable_fraction: number;
  expected_fraction: number;
  /** The chance that it saves at least what the site's data can show. */
  provability: number;
  sources: string[];
}

export interface RankedService {
  service: Service;
  probability_best_three: number;
  npv: { p5: number; p50: number; p95: number };
  irr: number | null;
  payback_years: number | null;
  cost_per_tonne: number | null;
  /** Places in the old rankings, 1 the best. */
  topsis: number | null;
  promethee: number | null;
}

export interface Triple {
  services: Service[];
  probability_best: number;
  expected_npv: number;
  expected_regret: number;
  cost: number;
  within_budget: boolean;
}

/** A number at which the recommended three would change. */
export interface Turn {
  service: Service;
  parameter: "cost" | "yearly_cost" | "saving_fraction" | "price" | "chance_of_failure";
  from_value: number;
  to_value: number;
  effect: "enters" | "leaves";
  /** Whether that lies between the low and the high that the city itself gave. */
  within_range: boolean;
}

/** What the gain is counted for: all people, carbon included, or the city's budget alone. */
export type View = "society" | "budget";

export interface Ranking {
  draws: number;
  budget: number;
  /** The three inside the budget with the highest expected value: the ones that are regretted least. */
  recommended: Service[] | null;
  services: RankedService[];
  triples: Triple[];
  changes: Turn[];
  old: { method: string; order: Service[]; same_three: number; same_three_weights: number }[];
}

export interface Candidates {
  currency: string;
  changed_by: string | null;
  changed_at: string | null;
  budget: number;
  horizon_years: number;
  discount_rate: number;
  view: View;
  overrides: Overrides;
  services: Candidate[];
  ranking: Ranking;
}

/** The candidates before their ranking is known. */
export interface Assumed {
  currency: string;
  services: Omit<Candidate, "expected_fraction" | "provability">[];
}

export type Overrides = Partial<Record<Service, { cost?: Range; saving_fraction?: Range }>>;

/** What a person tries out; nothing of it is kept until it is saved as the city's assumptions. */
export interface Assumptions {
  budget?: number;
  discount_rate?: number;
  reason?: string;
  view?: View;
  overrides?: Overrides;
}

export type Id = number | string;
export type PlanState = "draft" | "frozen" | "running" | "ended" | "decided";
export type Verdict = "saved" | "not_shown" | "worse";
export type Design =
  "baseline" | "difference_in_differences" | "synthetic_control" | "randomised" | "single_series";
export type Model = "best" | "time_of_week_temperature" | "hourly_signature" | "mean_week";
export type Repair = "duplicates" | "short_gaps" | "rollover" | "reset" | "outliers" | "stuck";
export type Decision = "scale_up" | "extend" | "stop";

export interface Days {
  first: string;
  last: string;
}

export interface Interval {
  low: number | null;
  high: number | null;
  level: number;
  method?: string;
  placebos?: number;
  note?: string | null;
}

/** An exact amount as decimal text, with the ends of its interval. */
export interface DecimalInterval {
  value: string | null;
  low: string | null;
  high: string | null;
}

/** A plan as a list shows it; figures come from its ledger entry, before that from the last look. */
export interface PlanRow {
  id: Id;
  title: string;
  service: Service;
  design: Design | null;
  state: PlanState;
  baseline: Days | null;
  reporting: Days | null;
  hash: string | null;
  simulated: boolean;
  fund: string | null;
  expected: number | null;
  verdict: Verdict | null;
  decision: Decision | null;
  fraction: number | null;
  interval: Interval | null;
  saving: number | null;
  unit: string | null;
  money: string | null;
  money_interval: { low: string | null; high: string | null } | null;
  currency: string;
  cost: CostResult | null;
  computed_at: string | null;
  open_events: number;
  data_changed: boolean;
  changed_at: string;
}

export interface Signal {
  name: string;
  entity: string | null;
  attribute: string | null;
  file: string | null;
  column: string | null;
  kind: "amount" | "counter" | "mean";
  unit: string;
}

export interface Factor {
  value: string;
  unit: string;
  source: string;
  year: number;
  approach?: string | null;
  vat_included?: boolean | null;
}

/** What the pilot costs, as the plan says it. */
export interface Cost {
  amount: string;
  vat_included: boolean;
  covers: string;
  source: string;
  days_a_year: number;
}

/** The cost with what the saving is worth a year; `payback_years` is null unless a saving was shown. */
export interface CostResult extends Cost {
  currency: string;
  yearly: DecimalInterval | null;
  payback_years: { value: number; low: number | null; high: number | null } | null;
}

export interface Band {
  price: Factor;
  hours: number[];
  weekdays: number[];
  above: string;
}

export interface Exclusion extends Days {
  reason: string;
}

export interface DecisionRule {
  level: number;
  worthwhile: number;
  scale_up: string;
  extend: string;
  stop: string;
}

/** Something that changed and is not the pilot's doing: an amount added to what would have been, a day. */
export interface Adjustment extends Exclusion {
  amount_per_day: string;
}

/** How plans that measure the same units at the same time share what these save; `plan` null is this one. */
export interface Allocation {
  rule: string;
  shares: { plan: Id | null; share: string }[];
}

/** Another plan that would count the same saving. */
export interface Overlap extends Days {
  plan: Id;
  title: string;
  signals: string[];
}

/** The part of a plan that is frozen. */
export interface Specification {
  title: string;
  service: Service;
  option: "A" | "B" | "C" | "comparison";
  design: Design;
  model: Model;
  boundary: string;
  units: Signal[];
  donors: Signal[];
  temperature: Signal | null;
  baseline: Days;
  reporting: Days;
  on_weeks: string[];
  exclusions: Exclusion[];
  repairs: Repair[];
  expected: number;
  decision: DecisionRule;
  tariff: Band[];
  emissions: Factor | null;
  fund: string;
  zone: string;
  seed: number;
  adjustments: Adjustment[];
  allocation: Allocation | null;
  cost: Cost | null;
}

/** In a draft anything may still be missing. */
export type Draft = Partial<Specification>;

export interface Problem {
  field: string;
  reason: string;
  code?: string;
}

export interface Frozen {
  hash: string;
  head: string;
  canonical: string;
  statement: string;
  signed_by: string;
  signed_at: string;
  author: string;
  four_eyes: boolean;
  audit_position: number;
}

export interface Amendment {
  number: number;
  changes: Record<string, unknown>;
  reason: string;
  by: string;
  at: string;
  hash: string;
  audit_position: number;
  after_start: boolean;
  kind: "amendment" | "exclusion" | "adjustment" | "allocation";
}

export interface Plan extends PlanRow {
  specification: Draft;
  problems: Problem[];
  draft_hash: string | null;
  canonical: string | null;
  created_by: string;
  changed_by: string;
  frozen: Frozen | null;
  amendments: Amendment[];
  effective: Specification | null;
  overlaps: Overlap[];
  origins: Record<"measured" | "recorded" | "simulated" | "unknown", number>;
  entry: LedgerEntry | null;
}

/** How likely the plan is to show savings of each size. */
export interface Power {
  fractions: number[];
  power: number[];
  detectable: number | null;
  placebos: number;
  level: number;
  expected: number | null;
  power_at_expected: number | null;
  sentence: Texts;
  computed_at: string;
}

export interface Job<Result> {
  id: string;
  state: "waiting" | "running" | "done" | "failed";
  done: number;
  of: number;
  stage: "reading" | "computing" | "writing" | null;
  result: Result | null;
  error: { code: string; detail: string } | null;
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

export interface SignalFound {
  entity: string;
  name: string;
  type: string;
  service: Service | null;
  attribute: string;
  unit: string | null;
  origin: Origin;
  kind: Signal["kind"];
  first: string | null;
  last: string | null;
}

export interface FileTaken {
  file: string;
  name: string;
  size: number;
  simulated: boolean;
  columns: { name: string; numeric: boolean; kind?: "amount" | "counter" }[];
  rows: number;
  first: string | null;
  last: string | null;
  findings: Finding[];
}

export interface Answer {
  answer: EventAnswer;
  note: string;
  first?: string;
  last?: string;
  amount_per_day?: string;
}
