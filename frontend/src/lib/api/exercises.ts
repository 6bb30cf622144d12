import { get, part, request, versioned } from "./client";
import type { Texts } from "./types";

export type ExerciseState = "running" | "paused" | "ended" | "stopped";
export type Deed =
  | "alarm_acknowledged"
  | "incident_opened"
  | "command_taken"
  | "procedure_started"
  | "procedure_ended"
  | "crew_sent"
  | "crew_arrived"
  | "task_done"
  | "warning_drafted"
  | "warning_released"
  | "contained"
  | "closed";
export type Result = "within" | "late" | "waiting" | "missed";

export interface Scored {
  what: Deed;
  within_minutes: number;
  /** The event that the minutes count from; null: the beginning. */
  after: string | null;
  from: string | null;
  result: Result;
  minutes: number | null;
  reached_at: string | null;
}
export interface Score {
  targets: Scored[];
  totals: Record<Result | "targets", number>;
  minutes: number;
}
export interface ExerciseEvent {
  id: string;
  do: "readings" | "course" | "incident" | "call" | "request";
  at_minutes: number;
  fired_at: string | null;
  result: { incident?: string; number?: string; problem?: string } | null;
  title: Texts;
  caller?: Texts;
  text?: Texts;
  summary?: Texts;
}
export interface Exercise {
  id: string;
  scenario: string;
  speed: number;
  state: ExerciseState;
  /** Seconds on the scenario's clock at `counted_at`. */
  clock_seconds: number;
  counted_at: string;
  started_at: string;
  started_by: string;
  ended_at: string | null;
  ended_by: string | null;
  note: string;
  version: number;
  changed_by: string;
  title: Texts;
  purpose: Texts;
  minutes: number;
  score: Score | null;
  /** What came in; for those who lead it also what is still to come. Not in lists. */
  events?: ExerciseEvent[];
}
export interface Scenario {
  code: string;
  title: Texts;
  purpose: Texts;
  minutes: number;
  twins: number;
  events: { id: string; do: ExerciseEvent["do"]; at_minutes: number; title: Texts }[];
  targets: { what: Deed; within: number; after: string | null }[];
}

const at = (id: string) => `/api/exercises/${part(id)}`;

export const exercisesApi = {
  scenarios: () => get<{ items: Scenario[] }>("/api/exercise-scenarios"),
  list: (query: { which: "playing" | "over" | "all"; limit?: number; before?: string | null }) =>
    get<{ items: Exercise[]; next: string | null }>("/api/exercises", query),
  one: (id: string) => get<Exercise>(at(id)),
  start: (scenario: string, speed: number, client_id: string) =>
    request<Exercise>("POST", "/api/exercises", { scenario, speed, client_id }),
  pause: (id: string, version: number) => versioned<Exercise>("POST", `${at(id)}/pause`, version, undefined),
  resume: (id: string, version: number) =>
    versioned<Exercise>("POST", `${at(id)}/resume`, version, undefined),
  stop: (id: string, version: number, note: string) =>
    versioned<Exercise>("POST", `${at(id)}/stop`, version, { note }),
};
