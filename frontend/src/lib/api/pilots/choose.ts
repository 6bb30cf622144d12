/** The shapes of `/api/pilots/candidates`. Amounts are numbers; texts come in all languages. */
import type { Service, Texts } from "../types";

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
  price: { unit: string; value: Range; source: Texts };
  chance_of_failure: number;
  saving_fraction: Range;
  annual_base: { value: number; unit: string };
  annual_value: Range;
  years: number;
  who_gains: Texts;
  risk: Texts;
  detectable_fraction: number;
  /** Whose word the smallest saving that shows is: of runs over a plan's data, of the city, or of the register. */
  detectable_from:
    | { kind: "plan"; plan: number; title: string; placebos: number; simulated: boolean }
    | { kind: "city" | "register" };
  expected_fraction: number;
  /** The chance that it saves at least what the site's data can show. */
  provability: number;
  sources: Texts[];
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
