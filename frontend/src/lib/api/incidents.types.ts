import type { Belonging, Origin, Place, Priority, Texts } from "./types";

export type Severity = "minor" | "moderate" | "severe" | "extreme";
export type IncidentState = "open" | "contained" | "closed" | "merged";
export type LinkKind = "alarm" | "asset" | "request" | "alarm-group";
/** Functions of incident management after ISO 22320. */
export type IncidentRole = "command" | "planning" | "operations" | "logistics";

export interface Link {
  kind: LinkKind;
  target: string;
}

export interface Entry {
  id: string;
  /** Another one than the incident's own when it was merged into it. */
  incident: string;
  at: string;
  recorded_at: string;
  kind: string;
  person: string;
  data: Record<string, unknown>;
}

export interface Point {
  type: "Point";
  coordinates: Place;
}
export interface Polygon {
  type: "Polygon";
  coordinates: Place[][];
}

export interface Incident extends Belonging {
  id: string;
  number: string;
  type: string;
  severity: Severity;
  state: IncidentState;
  title: string;
  /** Vidik's own words; null when a person typed the title. */
  titles: Texts | null;
  summary: string;
  address: string;
  place: Point | null;
  area: Polygon | null;
  origin: Origin;
  opened_at: string;
  opened_by: string;
  opened_from: "person" | "alarm" | "alarm-group" | "rule" | "request" | "system";
  contained_at: string | null;
  closed_at: string | null;
  closed_by: string | null;
  cause: string | null;
  lesson: string | null;
  merged_into: { id: string; number: string } | null;
  split_from: { id: string; number: string } | null;
  exercise: boolean;
  changed_at: string;
  changed_by: string;
  version: number;
  roles: { role: IncidentRole; person: string; name: string; since: string }[];
  links: (Link & { name: string | null; linked_at: string; linked_by: string })[];
  alarms: { total: number; open: number; unacknowledged: number; priority: Priority | null };
  /** The newest lines, the newest first; a list's incidents have none. */
  entries?: Entry[];
}

export interface IncidentType {
  code: string;
  title: Texts;
  severity: Severity;
  service: string | null;
  procedure: string | null;
  rules: string[];
}

export interface Person {
  login: string;
  name: string;
}

export interface Presence {
  login: string;
  name: string;
  here: boolean;
}
