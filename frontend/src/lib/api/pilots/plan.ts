/** The shapes of plans in `/api/pilots`. Money comes as decimal text, days as ISO dates, what is unknown as null. */
import type { Origin, Service, Texts } from "../types";
import type { Finding, LedgerEntry } from "./result";

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
  /** A draft may lack title and service; a plan that was frozen never does. */
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

/** Published values that a plan may take over, for one unit of what it measures. */
export interface Published {
  emissions: { id: string; of: string; factor: Factor }[];
  tariffs: { id: string; title: Record<"en" | "sr-Cyrl" | "sr-Latn", string>; bands: Band[] }[];
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
  /** Of these signals, those that the other plan has under another name: their numbers are the same. */
  twins: string[];
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
  estimator?: number;
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
  /** What the sentence needs, for saying it in another language. */
  values?: Record<string, string | number>;
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
  /** What reading the data of the time before found; a curve of an earlier Vidik has none. */
  findings?: Finding[];
  computed_at: string;
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
