import type { Incident } from "../api/incidents.types";
import type { Alarm } from "../api/types";
import { byUrgency } from "../states";
import { bySeverity } from "./words";

export type Item =
  | { key: string; kind: "incident"; incident: Incident }
  | { key: string; kind: "alarms"; alarms: Alarm[]; group: string | null };
export type Shown = "all" | "incidents" | "alarms";

const AT_LEAST = 2;

/** What waits: running incidents, worst first, then alarms that belong to none; those of one cause as one line. */
export function queueOf(
  incidents: Incident[],
  alarms: Alarm[],
  isHeld: (alarm: Alarm) => boolean,
  shown: Shown,
): Item[] {
  const running = shown === "alarms" ? [] : [...incidents].sort(bySeverity);
  const free = shown === "incidents" ? [] : alarms.filter((alarm) => !isHeld(alarm)).sort(byUrgency);
  const groups = new Map<string, Alarm[]>();
  for (const alarm of free) {
    const key = alarm.group ? `group:${alarm.group}` : `alarm:${alarm.id}`;
    groups.set(key, [...(groups.get(key) ?? []), alarm]);
  }
  return [
    ...running.map((incident): Item => ({ key: `incident:${incident.id}`, kind: "incident", incident })),
    ...[...groups].map(([key, found]): Item => ({
      key,
      kind: "alarms",
      alarms: found,
      group: found.length >= AT_LEAST ? (found[0]?.group ?? null) : null,
    })),
  ];
}
