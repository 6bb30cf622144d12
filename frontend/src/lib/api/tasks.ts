import { get, part, request, upload, versioned } from "./client";
import type { Belonging, Place, Priority, Texts } from "./types";

export const TASK_STATES = [
  "open",
  "assigned",
  "accepted",
  "under_way",
  "arrived",
  "done",
  "failed",
  "cancelled",
] as const;
export type TaskState = (typeof TASK_STATES)[number];
export const TASK_KINDS = ["inspect", "repair", "secure", "clean", "measure", "deliver", "other"] as const;
export type TaskKind = (typeof TASK_KINDS)[number];
export type Act = "accept" | "depart" | "arrive" | "done" | "fail" | "decline" | "note";
export type Refusal =
  | "another-crew"
  | "withdrawn"
  | "cancelled"
  | "closed"
  | "reopened"
  | "not-given"
  | "unknown-round"
  | "no-task";

export interface Point {
  type: "Point";
  coordinates: Place;
}

export interface Task extends Belonging {
  id: number;
  number: string;
  title: string;
  /** Where Vidik wrote the words: in every script. */
  titles: Texts | null;
  kind: TaskKind;
  instructions: string;
  instruction_texts: Texts | null;
  place: Point | null;
  address: string;
  priority: Priority;
  skill: string | null;
  incident: number | null;
  asset: string | null;
  state: TaskState;
  round: number;
  crew: { id: number; name: string } | null;
  /** Where the crew works that has the task. */
  organisation: string | null;
  opened_at: string;
  opened_by: string;
  assigned_at: string | null;
  accepted_at: string | null;
  departed_at: string | null;
  arrived_at: string | null;
  ended_at: string | null;
  due_at: string | null;
  result_note: string;
  photos: number;
  origin: "real" | "simulated";
  exercise: boolean;
  version: number;
  changed_by: string;
  changed_at: string;
}

export interface TaskEvent {
  id: string;
  kind: string;
  happened_at: string;
  recorded_at: string;
  late: boolean;
  person: string;
  crew: { id: number; name: string } | null;
  state_before: TaskState | null;
  state_after: TaskState;
  note: string;
  data: { before?: Record<string, unknown>; after?: Record<string, unknown>; photos?: string[] };
  refused: Refusal | null;
}

export interface Picture {
  sha256: string;
  href: string;
  width: number;
  height: number;
  added_at: string;
  added_by: string;
}

export interface WholeTask extends Task {
  events: TaskEvent[];
  pictures: Picture[];
}

/** Where a crew was seen, and when. */
export interface Position {
  place: Point;
  accuracy_metres: number | null;
  at: string;
}

export interface Crew {
  id: number;
  name: string;
  organisation: string | null;
  skills: string[];
  vehicle: string;
  depot: Point | null;
  members: { login: string; name: string }[];
  origin: "real" | "simulated";
  in_use: boolean;
  on_duty: boolean;
  on_duty_since: string | null;
  on_duty_until: string | null;
  open_tasks: number;
  /** Only while it is on duty, and only for who may send it. */
  position: Position | null;
  version: number;
  changed_by: string;
}

export interface Reason {
  kind: "skill" | "duty" | "minutes" | "load" | "shift-ends";
  good: boolean;
  data: { minutes?: number; travel?: string; from?: string; until?: string | null; open_tasks?: number };
}

export interface Suggestion {
  crew: Crew;
  suitable: boolean;
  minutes: number | null;
  travel: "streets" | "straight-line" | null;
  reasons: Reason[];
}

export interface Skill {
  code: string;
  text: Texts;
}

export interface TaskDraft {
  title: string;
  kind: TaskKind;
  instructions: string;
  place: Point | null;
  address: string;
  priority: Priority;
  skill: string | null;
  asset: string | null;
  due_at: string | null;
  crew: number | null;
  client_id: string;
}

export interface Refused {
  client_id: string;
  task: number;
  number: string;
  title: string;
  titles: Texts | null;
  act: Act;
  happened_at: string;
  recorded_at: string;
  note: string;
  reason: Refusal;
  state: TaskState;
  crew_name: string | null;
  changed_by: string;
  changed_at: string;
}

export interface Mine {
  server_time: string;
  crews: Crew[];
  tasks: Task[];
  refused: Refused[];
}

/** One thing that a crew did, as the phone keeps it until the server has answered. */
export interface Change {
  client_id: string;
  task: number;
  round: number;
  act: Act;
  at: string;
  note: string;
  photos: string[];
}

export interface Outcome {
  client_id: string;
  result: "accepted" | "known" | "refused";
  reason: Refusal | null;
}

const at = (id: number) => `/api/tasks/${id}`;
export type Decision =
  | { verb: "assign"; body: { crew: number; note?: string } }
  | { verb: "withdraw" | "cancel" | "reopen"; body: { note: string } }
  | { verb: "close"; body: { result: "done" | "failed"; note: string } };

export const tasksApi = {
  list: (state: "active" | "over" | "all", query: { q?: string; limit?: number; after?: number } = {}) =>
    get<{ items: Task[]; next: number | null }>("/api/tasks", { state, ...query }),
  one: (id: number) => get<WholeTask>(at(id)),
  open: (draft: TaskDraft) => request<Task>("POST", "/api/tasks", draft),
  decide: (task: Task, { verb, body }: Decision) =>
    versioned<Task>("POST", `${at(task.id)}/${verb}`, task.version, body),
  suggest: (asked: { skill: string | null; place: Point | null; priority: Priority }) =>
    request<{ items: Suggestion[]; network: "streets" | "straight-line" | null }>(
      "POST",
      "/api/tasks/suggest",
      asked,
    ),
  skills: () => get<{ items: Skill[] }>("/api/tasks/skills"),
  photo: (task: number, crew: number | null, file: Blob) =>
    upload<Picture>(`${at(task)}/photos${crew === null ? "" : `?crew=${crew}`}`, file, file.type),

  crews: () => get<{ items: Crew[] }>("/api/crews"),
  makeCrew: (draft: object) => request<Crew>("POST", "/api/crews", draft),
  changeCrew: (crew: Crew, edits: object) =>
    versioned<Crew>("PATCH", `/api/crews/${part(crew.id)}`, crew.version, edits),
  duty: (crew: number, on_duty: boolean, until: string | null) =>
    request<Crew>("POST", `/api/crews/${crew}/duty`, { on_duty, until }),
  position: (crew: number, place: Point, accuracy_metres: number, taken: string) =>
    request<void>("POST", `/api/crews/${crew}/position`, { place, accuracy_metres, at: taken }),

  mine: (crew: number | null) => get<Mine>("/api/tasks/mine", { crew }),
  sync: (crew: number, changes: Change[]) =>
    request<Mine & { outcomes: Outcome[] }>("POST", "/api/tasks/sync", {
      crew,
      client_time: new Date().toISOString(),
      changes,
    }),
};
