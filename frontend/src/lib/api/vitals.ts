import { get, request, versioned } from "./client";
import type { Service, Texts } from "./types";

/** A condition as rules have it; with `reference`, how far the attribute lies above another one. */
export interface VitalTest {
  attribute?: string;
  reference?: string;
  above?: number;
  below?: number;
  equals?: (string | number | boolean)[];
  hours?: string;
  if_unknown?: "wait" | "pass";
}

export type Aggregate =
  "share" | "count" | "mean" | "median" | "sum" | "minimum" | "maximum" | "ratio" | "rest";
export type WorkFigure =
  | "alarms_open"
  | "alarms_standing"
  | "alarms_per_operator"
  | "acknowledged_in_time"
  | "incidents_open"
  | "incidents_over_target"
  | "requests_in_time"
  | "crews_on_duty"
  | "minutes_to_arrive";

export interface AssetsSource {
  kind: "assets";
  types: string[];
  aggregate: Aggregate;
  attribute?: string;
  per?: string;
  among?: VitalTest[];
  ways?: VitalTest[][];
  scale?: number;
  over?: string;
  max_gap?: string;
}
export interface WorkSource {
  kind: "work";
  figure: WorkFigure;
  within?: string;
  over?: string;
}
export type VitalSource = AssetsSource | WorkSource;

export interface Target {
  at_least?: number | null;
  at_most?: number | null;
}
export type Trend = [string, number | null][];
/** A trend on its way: values at even steps from a time. */
interface Steps {
  from: string | null;
  step_seconds: number;
  values: (number | null)[];
}

const points = ({ from, step_seconds, values }: Steps): Trend => {
  const start = Date.parse(from ?? "");
  return values.map((value, place) => [new Date(start + place * step_seconds * 1000).toISOString(), value]);
};
const drawn = <Sign extends { trend: Steps }>(sign: Sign) => ({ ...sign, trend: points(sign.trend) });

/** A vital sign as it is now. */
export interface Vital {
  key: string;
  service: Service | null;
  name: Texts;
  meaning: Texts;
  unit: string | null;
  decimals: number;
  normal: [number, number] | null;
  target: Target | null;
  met: boolean | null;
  responsible: Texts;
  basis: Texts;
  source: VitalSource;
  value: number | null;
  at: string | null;
  last: [string, number] | null;
  missing: "no-assets" | "silent" | "nothing-counted" | null;
  counted: number;
  trend: Trend;
  assets: number | null;
  fresh: number | null;
  stale: number | null;
  place?: "strip" | "page";
}

type Sent = Omit<Vital, "trend"> & { trend: Steps };

/** A sign as its file would say it. */
export interface VitalDefinition {
  key: string;
  service?: Service;
  name: { en: string; sr: string };
  meaning: { en: string; sr: string };
  unit?: string;
  decimals?: number;
  normal?: [number, number];
  target?: Target;
  responsible: { en: string; sr: string };
  basis: { en: string; sr: string };
  source: VitalSource;
}

export interface ManagedVital {
  key: string;
  name: Texts;
  definition: VitalDefinition;
  original: VitalDefinition | null;
  origin: "package" | "changed" | "own";
  version: number;
  changed_by: string | null;
  changed_at: string | null;
}

export interface VitalLayout {
  strip: string[];
  page: string[];
  hidden: string[];
  version: number;
  changed_by: string | null;
  changed_at: string | null;
}

/** A type of asset that can be measured. */
export interface MeasurableType {
  type: string;
  service: string;
  assets: number;
  attributes: { name: string; numeric: boolean; unit: string | null; words: string[] }[];
}

const SIGNS = "/api/console/vital-signs";

export const vitalsApi = {
  now: async () => (await get<{ items: Sent[] }>("/api/console/vitals")).items.map(drawn) as Vital[],
  month: async (key: string) =>
    points((await get<{ trend: Steps }>(`/api/console/vitals/${key}/month`)).trend),
  all: () => get<{ items: ManagedVital[]; layout: VitalLayout }>(SIGNS),
  sources: () => get<{ types: MeasurableType[] }>(`${SIGNS}/sources`),
  try: async (definition: VitalDefinition) =>
    drawn(await request<Sent>("POST", `${SIGNS}/try`, { definition })) as Vital,
  change: (definition: VitalDefinition, version: number) =>
    versioned<ManagedVital>("PUT", `${SIGNS}/${definition.key}`, version, { definition }),
  takeBack: (one: ManagedVital) =>
    versioned<ManagedVital | null>("DELETE", `${SIGNS}/${one.key}`, one.version, undefined),
  lay: (lists: Pick<VitalLayout, "strip" | "page" | "hidden">, version: number) =>
    versioned<VitalLayout>("PUT", "/api/console/vital-layout", version, lists),
};
