import type { Draft } from "../api/incidents";
import type { Incident, Link } from "../api/incidents.types";
import type { Alarm } from "../api/types";
import { city } from "../city.svelte";
import { alarmText } from "../i18n/index.svelte";
import { session } from "../session.svelte";
import { incidents, isRunning } from "./store.svelte";

export type Verb = "edit" | "contain" | "close" | "reopen" | "merge" | "split" | "handover";
/** What may become part of an incident: where it is, and whether it is of an exercise. */
export interface Joining {
  link: Link;
  near: [number, number] | null;
  exercise: boolean;
}
export type Asked =
  | { act: "open"; draft: Partial<Draft>; done?: (incident: Incident) => void }
  | { act: "link"; joining: Joining; done?: (incident: Incident) => void }
  | { act: Verb; incident: Incident; done?: (incident: Incident) => void };

/** What a person is about to do with an incident; one dialog serves all screens. */
class Acting {
  asked = $state.raw<Asked | null>(null);
  sending = $state.raw<Incident | null>(null);
  /** The middle of the map that was moved last, for giving an incident its place. */
  centre = $state.raw<[number, number] | null>(null);

  ask(asked: Asked): void {
    const thing = "incident" in asked ? asked.incident : undefined;
    if (session.may("incidents.manage", thing)) this.asked = asked;
  }

  send(incident: Incident | undefined): void {
    if (incident && isRunning(incident) && session.may("tasks.manage", incident)) this.sending = incident;
  }

  openFrom(alarms: Alarm[], done: (incident: Incident) => void): void {
    this.ask({ act: "open", draft: draftOf(alarms), done });
  }

  /** Make alarms part of an incident that runs; false when there are none. */
  linkAlarms(alarms: Alarm[], done?: (incident: Incident) => void): boolean {
    const [alarm] = alarms;
    if (!alarm) return false;
    const near = city.assets.get(alarm.entity_id)?.place ?? null;
    this.ask({
      act: "link",
      joining: { link: linkOf(alarm, alarms), near, exercise: alarm.origin === "exercise" },
      done,
    });
    return true;
  }
}

export const acting = new Acting();

const LONGEST = 200;

/** What an incident opened from alarms (one, or a group with its worst first) begins with. */
export function draftOf(alarms: Alarm[]): Partial<Draft> {
  const alarm = alarms[0];
  if (!alarm) return {};
  const type =
    incidents.types.find((one) => one.rules.includes(alarm.rule)) ??
    incidents.types.find((one) => one.service === alarm.service) ??
    incidents.types.find((one) => one.code === "technical_fault");
  const place = city.assets.get(alarm.entity_id)?.place;
  return {
    type: type?.code,
    severity: type?.severity,
    title: `${city.nameOf(alarm.entity_id, alarm.entity_name)}: ${alarmText(alarm)}`.slice(0, LONGEST),
    place: place ? { type: "Point", coordinates: place } : null,
    links: [linkOf(alarm, alarms)],
  };
}

/** Alarms of one cause hang on an incident as their group, so that what joins them later does, too. */
function linkOf(worst: Alarm, alarms: Alarm[]): Link {
  const group = alarms.length > 1 ? worst.group : null;
  return group ? { kind: "alarm-group", target: group } : { kind: "alarm", target: worst.id };
}

/** What the menu of an incident offers, in the order in which an incident usually goes. */
export function verbsOf(incident: Incident): Verb[] {
  if (incident.state === "merged") return [];
  if (incident.state === "closed") return session.may("incidents.close", incident) ? ["reopen"] : [];
  if (!session.may("incidents.manage", incident)) return [];
  const ending: Verb[] = session.may("incidents.close", incident) ? ["close"] : [];
  const course: Verb[] =
    incident.state === "open" ? ["contain"] : session.may("incidents.close", incident) ? ["reopen"] : [];
  return ["edit", "handover", ...course, "merge", "split", ...ending];
}
