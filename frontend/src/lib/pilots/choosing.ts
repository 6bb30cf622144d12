/** What a ranking of candidates says. Pure. */
import type {
  Assumptions,
  Candidates,
  Overrides,
  Range,
  RankedService,
  Ranking,
  Triple,
  View,
} from "../api/pilots";
import type { Service } from "../api/types";

const alike = (one: readonly Service[], other: readonly Service[]) =>
  [...one].sort().join() === [...other].sort().join();

/** The three that are recommended: inside the budget, and regretted least. */
export function bestTriple(ranking: Ranking): Triple | null {
  const named = ranking.recommended;
  return (named && ranking.triples.find((triple) => alike(triple.services, named))) ?? null;
}

/** Whether two triples are of the same services. */
export const isSame = (one: Triple, other: Triple) => alike(one.services, other.services);

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

/** Places that a method gives by itself; services that it leaves out come last. */
export const given = (
  services: readonly RankedService[],
  place: (one: RankedService) => number | null,
): Map<Service, number> => new Map(services.map((one) => [one.service, place(one) ?? services.length]));

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
  view: View;
  cost: Partial<Record<Service, number>>;
  saving: Partial<Record<Service, number>>;
}

export const asSaved = (candidates: Candidates): WhatIf => ({
  budget: candidates.budget,
  rate: candidates.discount_rate,
  view: candidates.view,
  cost: {},
  saving: {},
});

/**
 * The request that asks what a what-if would change; null when nothing was moved.
 *
 * It holds all assumptions, those that the city has saved before too: the server takes it for the whole.
 */
export function assumptionsOf(candidates: Candidates, whatIf: WhatIf): Assumptions | null {
  const overrides: Overrides = { ...candidates.overrides };
  let isMoved =
    whatIf.budget !== candidates.budget ||
    whatIf.rate !== candidates.discount_rate ||
    whatIf.view !== candidates.view;
  for (const one of candidates.services) {
    const cost = whatIf.cost[one.service];
    const saving = whatIf.saving[one.service];
    const override = {
      ...(cost !== undefined && cost !== one.cost.likely ? { cost: moved(one.cost, cost) } : {}),
      ...(saving !== undefined && saving !== one.saving_fraction.likely
        ? { saving_fraction: within(moved(one.saving_fraction, saving)) }
        : {}),
    };
    if (Object.keys(override).length === 0) continue;
    isMoved = true;
    overrides[one.service] = { ...overrides[one.service], ...override };
  }
  if (!isMoved) return null;
  return { budget: whatIf.budget, discount_rate: whatIf.rate, view: whatIf.view, overrides };
}

/** A share cannot exceed the whole. */
const within = (range: Range): Range => ({ ...range, high: Math.min(1, range.high) });

/** A step of a slider: a round number, about a fiftieth of what it spans. */
export function stepOf(low: number, high: number): number {
  const rough = (high - low) / 50 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
}
