import { get, part, versioned } from "./client";
import type { Incident, Point } from "./incidents.types";
import type { Origin, Service, Texts } from "./types";

export type RequestState = "new" | "in_work" | "done" | "refused" | "forwarded" | "withdrawn";

/** How a request stands, without its words: what the live stream tells. `gone`: its sender has deleted it. */
export interface Standing {
  id: string;
  state: RequestState | "gone";
  version: number;
}

/** What a citizen reported, without who reported it. */
export interface CitizenRequest {
  id: string;
  state: RequestState;
  service_code: string;
  service_name: string;
  /** The name of its service code in the city's own list; null for a code that it does not have. */
  title: Texts | null;
  service: Service | null;
  description: string;
  address: string;
  agency: string;
  media_url: string | null;
  place: Point | null;
  requested_at: string;
  seen_at: string;
  origin: Origin;
  incident: { id: string; number: string; state: string } | null;
  decision: { kind: "refused" | "forwarded"; reason: string; to: string; at: string; by: string } | null;
  exercise: boolean;
  version: number;
  changed_at: string;
  changed_by: string;
}

/** One request with what it may belong to; distances in metres. */
export interface RequestDetail extends CitizenRequest {
  /** The type of incident that is proposed for it. */
  type: string;
  suggested: { incident: Incident; metres: number }[];
  alike: { request: CitizenRequest; metres: number }[];
}

export type Which = "open" | "new" | "ended" | "all";
export interface RequestPage {
  items: CitizenRequest[];
  counts: Record<RequestState, number>;
  next: string | null;
}
export type Deed = "refuse" | "forward" | "take-back";

/** Citizens' requests: what decides about one says which version was seen (412 when something changed meanwhile). */
export const requestsApi = {
  list: (query: { state: Which; limit?: number; after?: string | null }) =>
    get<RequestPage>("/api/requests", query),
  services: () => get<{ items: { code: string; title: Texts }[] }>("/api/requests/services"),
  one: (id: string) => get<RequestDetail>(`/api/requests/${part(id)}`),
  decide: (deed: Deed, { id, version }: CitizenRequest, reason: string, to: string) =>
    versioned<CitizenRequest>("POST", `/api/requests/${deed}`, version, {
      request: id,
      reason,
      ...(deed === "forward" ? { to } : {}),
    }),
};
