import type { Severity } from "../api/incidents.types";
import type { AssetState } from "../api/types";

export const SEVERITIES: Severity[] = ["extreme", "severe", "moderate", "minor"];

/** Severities have the shapes of alarms' priorities: one language of shapes in the whole room. */
export const shapeOf: Record<Severity, AssetState> = {
  extreme: "critical",
  severe: "high",
  moderate: "medium",
  minor: "low",
};
