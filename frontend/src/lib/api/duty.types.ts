import type { Priority, Texts } from "./types";

export interface Shift {
  id: string;
  desk: string;
  login: string;
  person: string;
  begins_at: string;
  ends_at: string;
  version: number;
  changed_by: string;
  changed_at: string;
}
export interface ShiftDraft {
  desk: string;
  login: string;
  begins_at: string;
  ends_at: string;
  client_id?: string;
}
export interface Next {
  people: { login: string; person: string }[];
  channels: string[];
  wait_minutes: number | null;
}
export interface CallFacts {
  kind?: "alarm" | "incident" | "procedure" | "trial";
  subject?: string;
  priority?: Priority;
  entity_name?: string;
  message?: Texts;
  number?: string;
  title?: string;
  titles?: Texts | null;
  /** What a procedure says. */
  text?: Texts;
}
export interface Escalation extends Partial<Next> {
  id: string;
  plan: string;
  cause: "alarm" | "incident" | "procedure";
  subject: string;
  facts: CallFacts;
  state: "waiting" | "acknowledged" | "over" | "exhausted";
  opened_at: string;
  due_at: string;
  ended_at: string | null;
  ended_by: string | null;
  exercise: boolean;
}
export interface DutyNow {
  at: string;
  desks: { desk: string; on: Shift[]; next: Shift | null }[];
  plans: ({ code: string; title: string } & Next)[];
  escalations: Escalation[];
}
export type NoticeState = "due" | "sent" | "failed" | "acknowledged" | "given_up";
export interface Notice {
  id: string;
  escalation: string | null;
  login: string;
  person: string;
  channel: string;
  facts: CallFacts;
  state: NoticeState;
  attempts: number;
  problem: string | null;
  made_at: string;
  due_at: string;
  sent_at: string | null;
  ended_at: string | null;
  exercise: boolean;
}
export interface LogLine {
  id: string;
  at: string;
  recorded_at: string;
  desk: string;
  person: string;
  text: string;
}
export interface Window {
  days: number[];
  begins: string;
  ends: string;
}
export interface Rota {
  people: string[];
  first_day: string;
  hands_over: string;
  every_days: number;
}
export interface Step {
  person: string | null;
  desk: string | null;
  rota: Rota | null;
  channels: string[];
  wait_minutes: number;
  hours: Window[];
}
export type Severity = "minor" | "moderate" | "severe" | "extreme";
export interface PlanDefinition {
  title: string;
  priorities: Priority[];
  services: string[];
  severities: Severity[];
  after_minutes: number;
  rounds: number;
  steps: Step[];
}
export interface OnCallPlan {
  code: string;
  definition: PlanDefinition;
  enabled: boolean;
  version: number;
  changed_by: string;
  changed_at: string;
}
export interface Channel {
  code: string;
  title: string;
  kind: "mail" | "sms" | "push" | "other";
}
export interface Contact {
  login: string;
  language: "en" | "sr-Cyrl" | "sr-Latn";
  addresses: Record<string, string>;
  browsers: number;
}
/** A procedure that still ran, at which step, and what that waits for. */
export interface RunningProcedure {
  id: number;
  number: string;
  title: { en: string; sr: string };
  step: { en: string; sr: string };
  kind: "check" | "question" | "wait" | "command" | "notify" | "task" | "condition";
  held_by: string | null;
  since: string;
  due_at: string | null;
  overdue: boolean;
  failed: boolean;
}
export interface Facts {
  alarms: { counts: Record<Priority | "acknowledged", number>; standing: object[] };
  incidents: object[];
  procedures: RunningProcedure[];
  tasks: object[];
  notices: { sent: number; given_up: number };
  log: object[];
}
export interface Handover {
  id: string;
  desk: string;
  note: string;
  hash: string;
  outgoing: string;
  outgoing_login: string;
  incoming: string | null;
  begins_at: string;
  ends_at: string;
  drawn_up_at: string;
  signed_at: string | null;
}
