import type { Alarm } from "../api/types";

/**
 * Alarms as they stand, of those that a list was answered with and those that the stream tells of.
 *
 * The newer one counts; who put an alarm aside only an answer says, and that stands as long as it lasts.
 */
export function standing(
  answered: ReadonlyMap<string, Alarm>,
  live: ReadonlyMap<string, Alarm>,
): Map<string, Alarm> {
  const all = new Map(answered);
  for (const [id, alarm] of live) all.set(id, newer(alarm, answered.get(id)));
  return all;
}

/** The newer of two; told of the same event, the live one, with what only the other says of who put it aside. */
export function newer(live: Alarm, answered: Alarm | undefined): Alarm {
  if (!answered) return live;
  if (answered.version > live.version) return answered;
  const holds = answered.hidden_by === live.hidden_by ? answered.holds : undefined;
  return live.holds || !holds ? live : { ...live, holds };
}
