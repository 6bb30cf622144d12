import type { Service } from "../api/types";
import type {
  Aggregate,
  AssetsSource,
  MeasurableType,
  VitalDefinition,
  VitalSource,
  WorkFigure,
} from "../api/vitals";

export const AGGREGATES: Aggregate[] = [
  "share",
  "count",
  "mean",
  "median",
  "sum",
  "minimum",
  "maximum",
  "ratio",
  "rest",
];

/** The figures of the work, each with the times that it asks for and how they begin. */
export const FIGURES: Record<WorkFigure, { within?: string; over?: string }> = {
  alarms_open: {},
  alarms_standing: { over: "24h" },
  alarms_per_operator: { over: "1h" },
  acknowledged_in_time: { within: "10m", over: "24h" },
  incidents_open: {},
  incidents_over_target: { within: "4h" },
  requests_in_time: { within: "3d", over: "30d" },
  crews_on_duty: {},
  minutes_to_arrive: { over: "24h" },
};

/** What a form of a new sign begins with. */
export function startOf(kind: "assets" | "work", type: MeasurableType | undefined): VitalSource {
  if (kind === "work") return { kind: "work", figure: "alarms_open" };
  const attribute = type?.attributes.find((one) => one.numeric)?.name ?? "";
  const source: AssetsSource = { kind: "assets", types: [type?.type ?? ""], aggregate: "mean", attribute };
  return source;
}

/** What a person types of a sign, all as text where it may be left out. */
export interface Draft {
  key: string;
  service: Service | "";
  name: { en: string; sr: string };
  meaning: { en: string; sr: string };
  responsible: { en: string; sr: string };
  basis: { en: string; sr: string };
  unit: string;
  decimals: number;
  low: number | null;
  high: number | null;
  direction: "" | "at_least" | "at_most";
  target: number | null;
  source: VitalSource;
}

const nothing = () => ({ en: "", sr: "" });

export function draftOf(definition: VitalDefinition | null, type: MeasurableType | undefined): Draft {
  const target = definition?.target;
  return {
    key: definition?.key ?? "",
    service: definition?.service ?? "",
    name: { ...(definition?.name ?? nothing()) },
    meaning: { ...(definition?.meaning ?? nothing()) },
    responsible: { ...(definition?.responsible ?? nothing()) },
    basis: { ...(definition?.basis ?? nothing()) },
    unit: definition?.unit ?? "",
    decimals: definition?.decimals ?? 0,
    low: definition?.normal?.[0] ?? null,
    high: definition?.normal?.[1] ?? null,
    direction: target?.at_least != null ? "at_least" : target?.at_most != null ? "at_most" : "",
    target: target?.at_least ?? target?.at_most ?? null,
    source: definition?.source ?? startOf("assets", type),
  };
}

/** The definition that a draft says; what was left out is left out of it. */
export function definitionOf(draft: Draft): VitalDefinition {
  const { key, name, meaning, responsible, basis, source } = draft;
  return {
    key,
    ...(draft.service ? { service: draft.service } : {}),
    name,
    meaning,
    ...(draft.unit ? { unit: draft.unit } : {}),
    ...(draft.decimals ? { decimals: draft.decimals } : {}),
    ...(draft.low !== null && draft.high !== null ? { normal: [draft.low, draft.high] } : {}),
    ...(draft.direction && draft.target !== null ? { target: { [draft.direction]: draft.target } } : {}),
    responsible,
    basis,
    source,
  };
}
