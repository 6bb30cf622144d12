import type { IncidentRole, IncidentState, Severity } from "./incidents.types";
import type { TaskKind } from "./tasks";
import type { Belonging, Priority, Texts } from "./types";

/** What people wrote, in both languages; Serbian in Cyrillic. */
export interface Words {
  en: string;
  sr: string;
}
export type StepKind = "check" | "question" | "condition" | "wait" | "notify" | "command" | "task";
export type RunAct = "done" | "skip" | "choose" | "confirm";

/** One thing that must be so for Vidik to take a branch. */
export interface Condition {
  fact: "severity" | "type" | "state" | "alarms" | "hour" | "attribute";
  one_of?: (string | number | boolean)[];
  at_least?: Severity | number;
  at_most?: Severity | number;
  from?: number;
  until?: number;
  entity?: string;
  attribute?: string;
}
export interface Branch {
  label: Words;
  /** Of a condition: all of these; none means "otherwise". */
  when?: Condition[];
  next?: string | null;
}
/** What an automatic step does; which members it has depends on its kind. */
export interface Doing {
  roles?: IncidentRole[];
  people?: string[];
  plan?: string;
  /** How long those named may take to answer before the plan asks. */
  answer_minutes?: number;
  channels?: string[];
  text?: Words;
  entity?: string;
  command?: string;
  parameters?: Record<string, unknown>;
  confirmed?: boolean;
  title?: Words;
  instructions?: Words;
  kind?: TaskKind;
  skill?: string;
  priority?: Priority;
  crew?: "nobody" | "best";
}
export interface Step {
  id: string;
  kind: StepKind;
  title: Words;
  text?: Words | null;
  role?: IncidentRole | null;
  minutes?: number | null;
  optional?: boolean;
  next?: string | null;
  branches?: Branch[] | null;
  do?: Doing | null;
}
export interface Definition {
  code: string;
  title: Words;
  purpose: Words;
  incident_types: string[];
  steps: Step[];
}
/** What is wrong in a definition, and where: "steps.3.branches.0.next". */
export interface Problem {
  code: string;
  field: string;
  step: string | null;
  values: Record<string, string | number>;
  detail: string;
}

export interface ProcedureSummary {
  code: string;
  title: Words;
  purpose: Words;
  incident_types: string[];
  state: "published" | "withdrawn" | "draft";
  version: number | null;
  steps: number;
  source: "package" | "city";
  published_at: string | null;
  published_by: string | null;
  draft: { version: number; changed_at: string; changed_by: string } | null;
  running: number;
}
export interface Draft {
  code: string;
  /** 0: there is no draft yet, this is what is published. */
  version: number;
  definition: Definition;
  problems: Problem[];
  based_on: number | null;
  changed_at: string | null;
  changed_by: string | null;
}
export interface Version {
  code: string;
  version: number;
  state: "published" | "replaced" | "withdrawn";
  source: "package" | "city";
  title: Words;
  published_at: string;
  published_by: string;
  note: string;
  ended_at: string | null;
  ended_by: string | null;
  reason: string | null;
}

export interface Answer {
  step: string;
  act: RunAct;
  branch?: number;
}
export interface TrialFacts {
  severity?: Severity;
  type?: string;
  state?: IncidentState;
  alarms?: number;
  hour?: number;
  attributes?: Record<string, Record<string, unknown>>;
}
export interface TrialStep {
  step: string;
  kind: StepKind;
  outcome:
    "done" | "skipped" | "chosen" | "decided" | "waited" | "would-notify" | "would-command" | "would-open";
  branch: number | null;
  after_minutes: number;
  effect: Doing | null;
}
export interface Trial {
  path: TrialStep[];
  needs: { step: string; kind: StepKind; acts: RunAct[]; branches: number } | null;
  ended: boolean;
  after_minutes: number;
}

export interface Result {
  task?: { id: string | number; number: string; crew: { id: string | number; name: string } | null };
  notices?: { id: string; person: string; channel: string }[];
  /** The on-call plan that asks until somebody takes it over. */
  call?: { id: string; plan: string };
  command?: { id: string; device: string };
  "left-out"?: string;
  facts?: Record<string, unknown>;
}
export type StepState = "waiting" | "current" | "done" | "skipped" | "failed" | "stopped";
/** How a step stands; of a path, how one visit of it went. */
export interface Progress {
  state: StepState;
  overdue: boolean;
  since: string | null;
  due_at: string | null;
  ended_at: string | null;
  by: string | null;
  note: string | null;
  branch: number | null;
  result: Result | null;
  problem: { code: string; detail: string; values?: Record<string, string | number> } | null;
}
export interface Run extends Belonging {
  id: string;
  procedure: string;
  procedure_version: number;
  title: Words;
  incident: { id: string; number: string; title: string; titles: Texts | null; state: IncidentState };
  exercise: boolean;
  state: "running" | "ended" | "stopped";
  started_at: string;
  started_by: string;
  ended_at: string | null;
  ended_by: string | null;
  reason: string | null;
  current: string | null;
  visit: number;
  acts: RunAct[];
  due_at: string | null;
  overdue: boolean;
  held_by: { login: string; name: string } | null;
  version: number;
  steps: (Step & Progress & { visits: number })[];
  path: (Progress & { visit: number; step: string })[];
}
/** What was typed for a step that somebody else finished meanwhile; `by` is empty when the run was over. */
export interface Kept {
  text: string;
  step: string;
  by: string;
}
/** A procedure that may be started for an incident. */
export interface Offer {
  code: string;
  title: Words;
  purpose: Words;
  version: number;
  steps: number;
  suggested: boolean;
}
