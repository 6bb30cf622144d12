import { get, part, request, versioned } from "./client";

export interface WarningTexts {
  event: string;
  headline: string;
  description: string;
  instruction: string;
  area: string;
}
export interface WarningContent {
  status: "Actual" | "Exercise" | "Test";
  category: string;
  response: string;
  urgency: string;
  severity: "Extreme" | "Severe" | "Moderate" | "Minor" | "Unknown";
  certainty: string;
  onset: string | null;
  expires: string;
  sr: WarningTexts;
  en: WarningTexts | null;
  /** [latitude, longitude] of each corner, not closed. */
  polygon: [number, number][];
  geocodes: { name: string; value: string }[];
}
export type WarningKind = "Alert" | "Update" | "Cancel";
export interface Warning {
  id: string;
  kind: WarningKind;
  state: "draft" | "released" | "replaced" | "cancelled" | "expired" | "discarded";
  content: WarningContent;
  authors: string[];
  drafted_by: string;
  released_by: string | null;
  identifier: string | null;
  version: number;
  changed_by: string;
  follows: string | null;
  incident: string | null;
  drafted_at: string;
  sent_at: string | null;
  expires_at: string;
  changed_at: string;
  exercise: boolean;
}
export interface WarningDraft {
  content: WarningContent;
  kind: WarningKind;
  follows: number | null;
  incident: number | null;
  client_id: string;
}

/** What a warning about an incident could say, for its author to complete. */
export interface WarningProposal {
  content: WarningContent;
  incident: string;
  number: string;
}

const at = (id: string) => `/api/warnings/${part(id)}`;

export const warningsApi = {
  list: () => get<{ items: Warning[] }>("/api/warnings", { limit: 100 }),
  proposal: (incident: string) => get<WarningProposal>("/api/warnings/proposal", { incident }),
  draft: (draft: WarningDraft) => request<Warning>("POST", "/api/warnings", draft),
  change: (id: string, version: number, content: WarningContent) =>
    versioned<Warning>("PUT", at(id), version, { content }),
  discard: (id: string, version: number) =>
    versioned<Warning>("POST", `${at(id)}/discard`, version, undefined),
  release: (id: string, version: number) =>
    versioned<Warning>("POST", `${at(id)}/release`, version, undefined),
};
