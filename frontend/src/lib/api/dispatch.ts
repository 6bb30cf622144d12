import { get, request } from "./client";
import type { Point } from "./incidents.types";
import type { Priority, Texts } from "./types";

/** What the operator's desk asks of tasks and crews: who should go, and sending them. */
export interface Suggestion {
  crew: {
    id: number;
    name: string;
    vehicle: string | null;
    on_duty_until: string | null;
    open_tasks: number;
  };
  suitable: boolean;
  minutes: number | null;
  travel: "streets" | "straight-line" | null;
}

export const dispatchApi = {
  skills: () => get<{ items: { code: string; text: Texts }[] }>("/api/tasks/skills"),
  suggest: (asked: { skill: string | null; place: Point | null; priority: Priority }) =>
    request<{ items: Suggestion[]; network: "streets" | "straight-line" | null }>(
      "POST",
      "/api/tasks/suggest",
      asked,
    ),
  openTask: (draft: {
    title: string;
    instructions: string;
    address: string;
    incident: number;
    place: Point | null;
    priority: Priority;
    skill: string | null;
    crew: number | null;
    origin: "real" | "simulated";
    client_id: string;
  }) => request<{ id: number }>("POST", "/api/tasks", draft),
};
