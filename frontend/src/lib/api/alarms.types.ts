import type { Alarm, Priority, Service, Texts, Value } from "./types";

export type AlarmState =
  | "normal"
  | "unacknowledged"
  | "acknowledged"
  | "returned_unacknowledged"
  | "latched_unacknowledged"
  | "latched_acknowledged"
  | "shelved"
  | "suppressed"
  | "out_of_service";

export type HoldKind = "shelved" | "suppressed" | "out_of_service";

/** What hides alarms: of a rule, of an entity, or of both. */
export interface Hold {
  id: string;
  kind: HoldKind;
  rule: string | null;
  entity_id: string | null;
  begins_at: string;
  until: string | null;
  reason: string;
  placed_by: string;
  placed_at: string;
}

export type AlarmWhich = "open" | "returned" | "hidden" | "cleared";

export interface AlarmPage {
  items: Alarm[];
  counts: Record<Priority, number>;
  lists: { open: number; unacknowledged: number; returned: number; hidden: number };
  next: number | null;
}

export interface AlarmTransition {
  id: string;
  at: string;
  transition: string;
  state_before: AlarmState;
  state_after: AlarmState;
  cause: "reading" | "person" | "time" | "design" | "gone";
  person: string | null;
  reason: string | null;
}

/** Alarms of one cause. */
export interface AlarmGroup {
  id: string;
  kind: "related" | "service";
  subject: string;
  subject_name: string;
  service: Service;
  opened_at: string;
  newest_at: string;
  alarms: number;
  open: number;
  unacknowledged: number;
  open_alarms: string[];
  priority: Priority;
  message: Texts;
  entity_name: string;
}

export interface Named {
  rule: string;
  entity_id?: string;
  entity_name?: string;
}

export interface Performance {
  from: string;
  until: string;
  operators: number;
  calls: number;
  calls_by_10_minutes: number[];
  rating: "acceptable" | "manageable" | "over-demanding" | "unacceptable";
  figures: { name: FigureName; value: number; at_most: number; met: boolean }[];
  priorities: { priority: Priority; calls: number; share: number; target: number }[];
  floods: { from: string; until: string; calls: number }[];
  top: (Named & { calls: number })[];
  chattering: (Named & { most_in_a_minute: number })[];
  standing: (Named & { since: string })[];
  advice: (Named & { code: string; figure: number | string; text: Texts })[];
}

export type FigureName =
  | "calls_per_10_minutes"
  | "most_in_10_minutes"
  | "share_of_10_minutes_in_flood"
  | "share_of_10_minutes_with_more_than_5"
  | "top_10_share"
  | "chattering"
  | "fleeting_share"
  | "standing";

/** What a rule would have raised. */
export interface TrialResult {
  rule?: string;
  error?: string;
  from: string;
  until: string;
  readings: number;
  entities: number;
  alarms: number;
  calls: number;
  calls_a_day: number;
  most_in_10_minutes: number;
  worst_10_minutes_at: string | null;
  most_in_a_day: number;
  standing_over_24_hours: number;
  still_open: number;
  longest_minutes: number;
  would_flood: boolean;
  days: { day: string; calls: number }[];
  top: { entity_id: string; entity_name: string; alarms: number }[];
  examples: {
    entity_id: string;
    entity_name: string;
    observed_at: string;
    cleared_observed_at: string | null;
    value: Value;
  }[];
}

export interface TrialState {
  id: string | null;
  state: "waiting" | "running" | "done" | "failed";
  done?: number;
  of?: number;
  result: TrialResult | null;
}

/** The priority of each impact, in the order of the longest times to respond (null: longer). */
export interface PriorityMatrix {
  respond_within: (string | null)[];
  priority: Record<string, Priority[]>;
}
