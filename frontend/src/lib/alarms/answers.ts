import type { Alarm } from "../api/types";
import { city } from "../city.svelte";

/**
 * Alarms as they stand, of those that a list was answered with and those that the stream tells of.
 *
 * What the stream tells is newer; who put an alarm aside only an answer says, and that stands as long as it lasts.
 */
export function standing(
  answered: ReadonlyMap<string, Alarm>,
  live: ReadonlyMap<string, Alarm>,
): Map<string, Alarm> {
  const all = new Map(answered);
  for (const [id, alarm] of live) all.set(id, withHolds(alarm, answered.get(id)));
  return all;
}

/** Take what an answer says of an alarm, unless the stream told of it while the answer was on its way. */
export async function takeAnswer(id: string, ask: () => Promise<Alarm>): Promise<void> {
  let told: Alarm | null = null;
  const stop = city.onAlarm(({ alarm }) => {
    if (alarm.id === id) told = alarm;
  });
  try {
    const answer = await ask();
    city.putAlarm(told ? withHolds(told, answer) : answer);
  } finally {
    stop();
  }
}

function withHolds(alarm: Alarm, answered: Alarm | undefined): Alarm {
  const holds = answered?.hidden_by === alarm.hidden_by ? answered.holds : undefined;
  return alarm.holds || !holds ? alarm : { ...alarm, holds };
}
