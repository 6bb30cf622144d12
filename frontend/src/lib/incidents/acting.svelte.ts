import type { Draft } from "../api/incidents";
import type { Incident } from "../api/incidents.types";
import type { Alarm } from "../api/types";
import { city } from "../city.svelte";
import { alarmText, inScript } from "../i18n/index.svelte";
import { session } from "../session.svelte";
import { incidents, isRunning } from "./store.svelte";

export type Verb = "edit" | "contain" | "close" | "reopen" | "merge" | "split" | "handover";
export type Asked =
  | { act: "open"; draft: Partial<Draft>; done?: (incident: Incident) => void }
  | { act: Verb; incident: Incident; done?: (incident: Incident) => void };

/** What a person is about to do with an incident; one dialog serves all screens. */
class Acting {
  asked = $state.raw<Asked | null>(null);
  sending = $state.raw<Incident | null>(null);
  /** The middle of the map that was moved last, for giving an incident its place. */
  centre = $state.raw<[number, number] | null>(null);

  ask(asked: Asked): void {
    const thing = asked.act === "open" ? undefined : asked.incident;
    if (session.may("incidents.manage", thing)) this.asked = asked;
  }

  send(incident: Incident | undefined): void {
    if (incident && isRunning(incident) && session.may("tasks.manage", incident)) this.sending = incident;
  }

  openFrom(alarms: Alarm[], done: (incident: Incident) => void): void {
    this.ask({ act: "open", draft: draftOf(alarms), done });
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
  const group = alarms.length > 1 ? alarm.group : null;
  return {
    type: type?.code,
    severity: type?.severity,
    title: `${inScript(alarm.entity_name)}: ${alarmText(alarm)}`.slice(0, LONGEST),
    place: place ? { type: "Point", coordinates: place } : null,
    links: [group ? { kind: "alarm-group", target: group } : { kind: "alarm", target: alarm.id }],
  };
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
