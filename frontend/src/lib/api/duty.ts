import { get, part, request, versioned } from "./client";
import type {
  Channel,
  Contact,
  DutyNow,
  Facts,
  Handover,
  LogLine,
  Notice,
  OnCallPlan,
  PlanDefinition,
  Shift,
  ShiftDraft,
} from "./duty.types";

/** Duty: what two people may change at once says which version was seen. */
export const dutyApi = {
  now: () => get<DutyNow>("/api/duty/now"),
  people: () => get<{ items: { login: string; person: string }[] }>("/api/duty/people"),
  shifts: (from: string, to: string) => get<{ items: Shift[] }>("/api/duty/shifts", { from, to }),
  addShift: (draft: ShiftDraft) => request<Shift>("POST", "/api/duty/shifts", draft),
  changeShift: (id: string, version: number, draft: ShiftDraft) =>
    versioned<Shift>("PUT", `/api/duty/shifts/${part(id)}`, version, draft),
  removeShift: (id: string, version: number) =>
    versioned<void>("DELETE", `/api/duty/shifts/${part(id)}`, version, undefined),
  log: () => get<{ items: LogLine[] }>("/api/duty/log", { limit: 200 }),
  note: (desk: string, text: string, client_id: string) =>
    request<LogLine>("POST", "/api/duty/log", { desk, text, client_id }),
  notices: () => get<{ items: Notice[] }>("/api/duty/notices", { limit: 100 }),
  take: (escalation: string) => request<object>("POST", `/api/duty/escalations/${part(escalation)}/take`),
  plans: () => get<{ items: OnCallPlan[] }>("/api/duty/plans"),
  writePlan: (code: string, plan: PlanDefinition, enabled: boolean, version: number) =>
    request<OnCallPlan>("PUT", `/api/duty/plans/${part(code)}`, { plan, enabled, version }),
  removePlan: (code: string, version: number) =>
    request<void>("DELETE", `/api/duty/plans/${part(code)}?version=${version}`),
  channels: () => get<{ items: Channel[] }>("/api/duty/channels"),
  writeChannel: (code: string, channel: { title: string; kind: Channel["kind"]; url?: string }) =>
    request<Channel>("PUT", `/api/duty/channels/${part(code)}`, channel),
  removeChannel: (code: string) => request<void>("DELETE", `/api/duty/channels/${part(code)}`),
  tryChannel: (code: string) => request<Notice>("POST", `/api/duty/channels/${part(code)}/try`),
  contact: (login: string) => get<Contact>(`/api/duty/contacts/${part(login)}`),
  writeContact: (login: string, contact: Pick<Contact, "language" | "addresses">) =>
    request<Contact>("PUT", `/api/duty/contacts/${part(login)}`, contact),
  pushKey: () => get<{ key: string }>("/api/duty/push-key"),
  addBrowser: (subscription: PushSubscriptionJSON) =>
    request<void>("POST", "/api/duty/browsers", {
      endpoint: subscription.endpoint,
      keys: { p256dh: subscription.keys?.["p256dh"], auth: subscription.keys?.["auth"] },
    }),
  removeBrowser: (endpoint: string) => request<void>("POST", "/api/duty/browsers/remove", { endpoint }),
  facts: (from: string, to: string) => get<Facts>("/api/duty/facts", { from, to }),
  handovers: () => get<{ items: Handover[] }>("/api/duty/handovers"),
  handOver: (draft: { desk: string; begins_at: string; ends_at: string; note: string; client_id: string }) =>
    request<Handover>("POST", "/api/duty/handovers", draft),
  sign: (id: string, hash: string) =>
    request<Handover>("POST", `/api/duty/handovers/${part(id)}/sign`, { hash }),
};
