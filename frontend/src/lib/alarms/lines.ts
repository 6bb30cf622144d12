import type { AlarmGroup } from "../api/alarms.types";
import type { Alarm, Priority, Service } from "../api/types";
import { rankOf } from "../states";

/** A line of the list: one alarm, or all alarms of one cause. */
export type Line =
  { key: string; alarm: Alarm; group?: undefined } | { key: string; group: Gathered; alarm?: undefined };

/** The alarms of a group that stand in a list, the worst first. */
export interface Gathered {
  id: string;
  members: Alarm[];
  worst: Alarm;
  priority: Priority;
  service: Service;
  /** What they have in common, where the server says so. */
  told: AlarmGroup | undefined;
  asking: number;
}

/** Fewer of a group in a list are shown as themselves. */
const AT_LEAST = 2;

export const groupKey = (id: string) => `g${id}`;

/**
 * Put alarms of one cause into one line, at the place of its first alarm; the order of the list is kept.
 *
 * `groups` knows of joinings that an alarm in the browser may not have heard of yet.
 */
export function linesOf(
  alarms: readonly Alarm[],
  groups: ReadonlyMap<string, AlarmGroup>,
  isAsking: (alarm: Alarm) => boolean,
): Line[] {
  const joined = new Map<string, string>();
  for (const group of groups.values()) for (const id of group.open_alarms) joined.set(id, group.id);
  const groupOf = (alarm: Alarm) => alarm.group ?? joined.get(alarm.id) ?? null;
  const members = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    const id = groupOf(alarm);
    if (!id) continue;
    const found = members.get(id);
    if (found) found.push(alarm);
    else members.set(id, [alarm]);
  }
  const lines: Line[] = [];
  const told = new Set<string>();
  for (const alarm of alarms) {
    const id = groupOf(alarm);
    const all = id ? (members.get(id) ?? []) : [];
    if (!id || all.length < AT_LEAST) {
      lines.push({ key: alarm.id, alarm });
      continue;
    }
    if (told.has(id)) continue;
    told.add(id);
    lines.push({ key: groupKey(id), group: gathered(id, all, groups.get(id), isAsking) });
  }
  return lines;
}

function gathered(
  id: string,
  members: Alarm[],
  told: AlarmGroup | undefined,
  isAsking: (alarm: Alarm) => boolean,
): Gathered {
  const sorted = [...members].sort((a, b) => rankOf(b.priority) - rankOf(a.priority));
  const worst = sorted[0] as Alarm;
  return {
    id,
    members: sorted,
    worst,
    priority: worst.priority,
    service: worst.service,
    told,
    asking: members.filter(isAsking).length,
  };
}

/**
 * The lines that a person reads: the order in which reading began, each line as it stands now.
 *
 * A line that has left the list stays where it was, as it now is, until the person asks for what is new.
 */
export function readLines(
  shown: readonly string[],
  current: readonly Line[],
  known: ReadonlyMap<string, Alarm>,
): Line[] {
  const now = new Map(current.map((line) => [line.key, line]));
  return shown.flatMap((key): Line[] => {
    const line = now.get(key);
    if (line) return [line];
    const alarm = known.get(key);
    return alarm ? [{ key, alarm }] : [];
  });
}
