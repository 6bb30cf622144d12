import type {
  AlarmGroup,
  AlarmPage,
  AlarmTransition,
  AlarmWhich,
  Performance,
  PriorityMatrix,
  TrialState,
} from "./alarms.types";
import { get, part, request } from "./client";
import type { Alarm, Rule } from "./types";

type Body = Record<string, unknown>;
export type AlarmVerb =
  | "acknowledge"
  | "reset"
  | "shelve"
  | "unshelve"
  | "suppress"
  | "unsuppress"
  | "out-of-service"
  | "back-in-service";

/** Alarms, their groups, their rules, and how well they serve. */
export const alarmsApi = {
  list: (query: { state: AlarmWhich; service?: string; limit?: number; before?: number | null }) =>
    get<AlarmPage>("/api/alarms", query),
  one: (id: string) => get<Alarm>(`/api/alarms/${part(id)}`),
  transitions: (id: string) => get<{ items: AlarmTransition[] }>(`/api/alarms/${part(id)}/events`),
  act: (id: string, verb: AlarmVerb, body: Body = {}) =>
    request<Alarm>(
      "POST",
      `/api/alarms/${part(id)}/${verb}`,
      Object.keys(body).length > 0 ? body : undefined,
    ),
  endHold: (id: string) => request<unknown>("POST", `/api/alarm-holds/${part(id)}/end`),
  groups: () => get<{ items: AlarmGroup[] }>("/api/alarm-groups", { limit: 200 }),
  members: (id: string) => get<{ items: Alarm[] }>(`/api/alarm-groups/${part(id)}/alarms`),
  acknowledgeGroup: (id: string, note: string) =>
    request<{ alarms: number }>("POST", `/api/alarm-groups/${part(id)}/acknowledge`, note ? { note } : {}),

  performance: (query: { from: string; until: string; operators: number }) =>
    get<Performance>("/api/alarms/performance", query),

  rules: () => get<{ items: Rule[] }>("/api/rules"),
  rule: (code: string) => get<Rule>(`/api/rules/${part(code)}`),
  changeRule: (code: string, changes: Body) => request<Rule>("PUT", `/api/rules/${part(code)}`, changes),
  restoreRule: (code: string) => request<Rule | null>("DELETE", `/api/rules/${part(code)}`),
  matrix: () => get<PriorityMatrix>("/api/rules/priority-matrix"),
  tryRule: (rule: Body, span: { from: string; until: string }) =>
    request<TrialState>("POST", "/api/rules/dry-run", { rule, ...span }),
  trial: (id: string) => get<TrialState>(`/api/rules/dry-run/${part(id)}`),
};
