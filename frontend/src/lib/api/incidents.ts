import { get, part, request, versioned } from "./client";
import type { Entry, Incident, IncidentRole, IncidentType, Link, Person } from "./incidents.types";
import type { Alarm } from "./types";

export interface IncidentPage {
  items: Incident[];
  counts: Record<Incident["state"], number>;
  next: string | null;
}
/** What became of incidents in the last days; minutes are medians, null of none. */
export interface Figures {
  days: number;
  opened: number;
  opened_by_themselves: number;
  closed: number;
  median_minutes_to_contain: number | null;
  median_minutes_to_close: number | null;
}
export type Which = "open" | "closed" | "all";
export type Changes = Partial<
  Pick<Incident, "type" | "severity" | "title" | "summary" | "address" | "place" | "area" | "organisations">
>;
/** `in_exercise`: the exercise that the incident belongs to; what is opened for its alarms belongs to it anyway. */
export type Draft = Changes & {
  opened_from?: Incident["opened_from"];
  type: string;
  /** Without one the incident is called by its type, in every script. */
  title?: string;
  links?: Link[];
  client_id: string;
  in_exercise?: string;
};

const at = (id: string) => `/api/incidents/${part(id)}`;
const act = (id: string, verb: string, version: number, body: object) =>
  versioned<Incident>("POST", `${at(id)}/${verb}`, version, body);

/** Incidents: what changes one says which version was seen (412 when somebody was quicker). */
export const incidentsApi = {
  types: () => get<{ items: IncidentType[] }>("/api/incident-types"),
  list: (query: { state: Which; q?: string; limit?: number; after?: string | null }) =>
    get<IncidentPage>("/api/incidents", query),
  figures: (days: number) => get<Figures>("/api/incidents/figures", { days }),
  people: () => get<{ items: Person[] }>("/api/incidents/people"),
  one: (id: string) => get<Incident>(at(id)),
  open: ({ in_exercise: exercise, ...draft }: Draft) =>
    request<Incident>(
      "POST",
      exercise ? `/api/exercises/${part(exercise)}/incidents` : "/api/incidents",
      draft,
    ),
  change: (id: string, version: number, changes: Changes) =>
    versioned<Incident>("PATCH", at(id), version, changes),
  alarms: (id: string) => get<{ items: Alarm[]; total: number }>(`${at(id)}/alarms`),
  entries: (id: string, query: { before?: string; kind?: string; limit?: number }) =>
    get<{ items: Entry[]; next: string | null }>(`${at(id)}/entries`, query),
  note: (id: string, text: string) => request<Incident>("POST", `${at(id)}/entries`, { text }),
  link: (id: string, link: Link) => request<Incident>("POST", `${at(id)}/links`, link),
  unlink: (id: string, link: Link) =>
    request<Incident>("DELETE", `${at(id)}/links/${link.kind}/${part(link.target)}`),
  contain: (id: string, version: number, note: string) => act(id, "contain", version, { note }),
  close: (id: string, version: number, cause: string, lesson: string) =>
    act(id, "close", version, { cause, lesson }),
  reopen: (id: string, version: number, reason: string) => act(id, "reopen", version, { reason }),
  merge: (id: string, version: number, into: string) => act(id, "merge", version, { into: Number(into) }),
  split: (id: string, version: number, draft: { title: string; links: Link[]; client_id: string }) =>
    act(id, "split", version, draft),
  role: (id: string, version: number, role: IncidentRole, person: string | null, note: string) =>
    act(id, "roles", version, { role, person, note }),
  presence: (id: string, here: boolean) => request<void>("POST", `${at(id)}/presence`, { here }),
};
