import type { Incident } from "../api/incidents.types";
import type { Joining } from "./acting.svelte";
import { bySeverity } from "./words";

export interface Candidate {
  incident: Incident;
  /** Null where one of the two has no place. */
  metres: number | null;
}
const METRES_PER_DEGREE = 111_320;

/** Incidents that something can become part of: those of the same kind of night, the nearest first. */
export function candidatesFor(running: Incident[], { link, near, exercise }: Joining): Candidate[] {
  const has = (incident: Incident) =>
    incident.links.some(({ kind, target }) => kind === link.kind && target === link.target);
  return running
    .filter((incident) => incident.exercise === exercise && !has(incident))
    .map((incident) => ({ incident, metres: metresBetween(near, incident.place?.coordinates ?? null) }))
    .sort(
      (one, other) =>
        (one.metres ?? Infinity) - (other.metres ?? Infinity) || bySeverity(one.incident, other.incident),
    );
}

/** How far two places of a city are apart, good enough for putting them in order. */
function metresBetween(one: readonly number[] | null, other: readonly number[] | null): number | null {
  const [[x1, y1], [x2, y2]] = [one ?? [], other ?? []];
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return null;
  const east = (x2 - x1) * Math.cos((y1 * Math.PI) / 180);
  return Math.hypot(east, y2 - y1) * METRES_PER_DEGREE;
}
