/** What a ranking of candidates says. Pure. */
import type { Assumptions, Candidates, Range, RankedService, Ranking, Triple } from "../api/pilots";
import type { Service } from "../api/types";

/** The triple inside the budget that is most often the best, then the one whose choice is regretted least. */
export function bestTriple(ranking: Ranking): Triple | null {
  const inside = ranking.triples.filter((triple) => triple.within_budget);
  return inside.reduce<Triple | null>((best, triple) => {
    if (!best) return triple;
    const more = triple.probability_best - best.probability_best;
    return more > 0 || (more === 0 && triple.expected_regret < best.expected_regret) ? triple : best;
  }, null);
}

/** The regret of the best triple inside the budget that a service is in; null when none is inside. */
export function regretOf(ranking: Ranking, service: Service): number | null {
  const regrets = ranking.triples
    .filter((triple) => triple.within_budget && triple.services.includes(service))
    .map((triple) => triple.expected_regret);
  return regrets.length ? Math.min(...regrets) : null;
}

/** Places 1, 2, 3… by a figure, the larger the better; equal figures share the better place. */
export function places(
  services: readonly RankedService[],
  figure: (one: RankedService) => number,
): Map<Service, number> {
  return new Map(
    services.map((one) => [
      one.service,
      1 + services.filter((other) => figure(other) > figure(one) + 1e-12).length,
    ]),
  );
}

/** How many of the best three of a single ranking are not in the chosen triple. */
export function disagreement(triple: Triple | null, ranks: ReadonlyMap<Service, number>): number {
  if (!triple) return 0;
  return [...ranks].filter(([service, place]) => place <= 3 && !triple.services.includes(service)).length;
}

/** A range moved so that its likely value is `likely`, its width in proportion. */
export function moved(range: Range, likely: number): Range {
  const factor = range.likely ? likely / range.likely : 1;
  return { low: range.low * factor, likely, high: range.high * factor };
}

/** What a person has moved: only what differs from the city's own assumptions. */
export interface WhatIf {
  budget: number;
  rate: number;
  cost: Partial<Record<Service, number>>;
  saving: Partial<Record<Service, number>>;
}

export const asSaved = (candidates: Candidates): WhatIf => ({
  budget: candidates.budget,
  rate: candidates.discount_rate,
  cost: {},
  saving: {},
});

/** The request that asks what a what-if would change; null when nothing was moved. */
export function assumptionsOf(candidates: Candidates, whatIf: WhatIf): Assumptions | null {
  const asked: Assumptions = {};
  if (whatIf.budget !== candidates.budget) asked.budget = whatIf.budget;
  if (whatIf.rate !== candidates.discount_rate) asked.discount_rate = whatIf.rate;
  for (const one of candidates.services) {
    const cost = whatIf.cost[one.service];
    const saving = whatIf.saving[one.service];
    const override = {
      ...(cost !== undefined && cost !== one.cost.likely ? { cost: moved(one.cost, cost) } : {}),
      ...(saving !== undefined && saving !== one.saving_fraction.likely
        ? { saving_fraction: moved(one.saving_fraction, saving) }
        : {}),
    };
    if (Object.keys(override).length) asked.overrides = { ...asked.overrides, [one.service]: override };
  }
  return Object.keys(asked).length ? asked : null;
}

/** A step of a slider: a round number, about a fiftieth of what it spans. */
export function stepOf(low: number, high: number): number {
  const rough = (high - low) / 50 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
}
