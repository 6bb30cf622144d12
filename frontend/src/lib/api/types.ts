import type { FeatureCollection } from "geojson";
import type { AlarmState, Hold, HoldKind } from "./alarms.types";

/** The shapes that the server sends. Times are ISO 8601 in UTC; places are [longitude, latitude]. */

export type Service = "heating" | "lighting" | "parking" | "air" | "water" | "waste" | "traffic";
/** Cameras are assets with a place on the map, and nobody's service: no vital sign, no rules of theirs. */
export type AssetService = Service | "cameras";
export type Priority = "critical" | "high" | "medium" | "low";
export type AssetState = "normal" | Priority | "unknown" | "out_of_service";
/** `exercise`: of a twin that stands in for an asset while an exercise is played. */
export type Origin = "real" | "simulated" | "recorded" | "exercise";
export type Health = "ok" | "late" | "silent" | "rejecting" | "never";
export type Place = [number, number];
export type Value = number | string | boolean | null | object;
export type Texts = { en: string; "sr-Cyrl": string; "sr-Latn"?: string };

/** Whose a thing is: organisations that it concerns, areas that it lies in, people who lead it (logins). */
export interface Belonging {
  organisations: string[];
  areas: string[];
  people?: string[];
}

/** A part of the city in which roles can hold. */
export interface Area {
  code: string;
  name: string;
  shape: AreaShape;
  version: number;
  changed_by: string;
  changed_at: string;
  /** Whose roles are limited to it. */
  logins: string[];
}
export type AreaShape =
  | { type: "Polygon"; coordinates: [number, number][][] }
  | { type: "MultiPolygon"; coordinates: [number, number][][][] };

export interface Session {
  account: {
    id: string;
    login: string;
    name: string;
    organisation: string | null;
    roles: string[];
    permissions: string[];
    /** Where a permission holds, of those that do not hold everywhere. */
    reach: Record<string, { organisation: string | null; area: string | null }[]>;
    provider: boolean;
  };
  /** The name of the crew's phone that this session is on. */
  phone: string | null;
  city: { code: string; name: Texts; centre: Place; zoom: number; timezone: string };
  version: string;
}

export interface Headline {
  attribute: string;
  label_key: string;
  value: Value;
  unit: string | null;
}

export interface AssetSummary {
  id: string;
  name: string;
  /** Its name for who reads English, where it has one. */
  name_en: string | null;
  service: AssetService;
  type: string;
  place: Place | null;
  state: AssetState;
  origin: Origin;
  observed_at: string | null;
  recorded_at: string | null;
  headline: Headline | null;
}

export interface Attribute {
  name: string;
  label_key: string;
  kind: string;
  value: Value;
  unit: string | null;
  observed_at: string | null;
  recorded_at: string | null;
  provided_by: string | null;
  normal: [number, number] | null;
  numeric: boolean;
  tile: boolean;
}

export interface AssetDevice {
  device_id: string;
  profile: string;
  door: Door | null;
  gateway_id: string | null;
  expected_interval_seconds: number | null;
  last_seen: string | null;
  health: Health;
}

export interface AssetDetail {
  id: string;
  name: string;
  name_en: string | null;
  service: AssetService;
  type: string;
  place: Place | null;
  origin: Origin;
  state: AssetState;
  observed_at: string | null;
  recorded_at: string | null;
  device: AssetDevice | null;
  attributes: Attribute[];
  alarms: Alarm[];
  neighbours: { id: string; name: string; name_en: string | null; relation: string }[];
}

export interface Series {
  attribute: string;
  unit: string | null;
  times: number[];
  values: (number | null)[];
  minimum: (number | null)[] | null;
  maximum: (number | null)[] | null;
}

export interface HistoryEvent {
  alarm_id: string;
  priority: Priority;
  raised_at: string;
  cleared_at: string | null;
  /** When the reading behind it was observed; for recorded assets this is far from the raising. */
  observed_at?: string | null;
  cleared_observed_at?: string | null;
  message: Texts;
}

export interface History {
  from: string;
  to: string;
  resolution: string;
  series: Series[];
  events: HistoryEvent[];
}

export interface RawReading {
  attribute: string;
  value: Value;
  unit: string | null;
  observed_at: string;
  recorded_at: string | null;
}

export interface Alarm extends Belonging {
  id: string;
  /** The number of its newest event: of two answers the greater one is the newer. */
  version: number;
  rule: string;
  priority: Priority;
  state: "raised" | "acknowledged" | "cleared";
  entity_id: string;
  entity_name: string;
  service: Service;
  origin: Origin;
  attribute: string | null;
  message: Texts;
  value: Value;
  unit: string | null;
  threshold: Value;
  observed_at: string | null;
  raised_at: string;
  last_seen_at: string | null;
  count: number;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  note: string | null;
  returned_at: string | null;
  cleared_at: string | null;
  /** The state by ISA-18.2; `state` is the short word for it. */
  standard_state: AlarmState;
  latching: boolean;
  hidden_by: HoldKind | null;
  /** The group of one cause that it belongs to. */
  group: string | null;
  /** What hides it now; only where the server was asked for it. */
  holds?: Hold[];
}

export interface AlarmList {
  items: Alarm[];
  counts: Record<Priority, number>;
}

export interface FeedItem {
  id: string;
  at: string;
  kind: string;
  entity_id: string | null;
  entity_name: string | null;
  service: Service | null;
  /** Not of a refused message. */
  origin?: Origin;
  priority: Priority | null;
  message: Texts;
  /** Of a refused message: where in it. */
  line?: Texts | null;
  field?: string | null;
}

export interface Device {
  device_id: string;
  name: string;
  profile: string;
  service: Service | null;
  entity_id: string | null;
  gateway_id: string | null;
  organisation: string | null;
  origin: Origin;
  enabled: boolean;
  expected_interval_seconds: number | null;
  last_seen: string | null;
  door: Door | null;
  last_observed: string | null;
  messages: number;
  rejected: number;
  health: Health;
}

export interface DeviceList {
  items: Device[];
  next: string | null;
  counts: Record<Health, number>;
}

export interface Command {
  id: string;
  name: string;
  parameters: Record<string, unknown> | null;
  state: "pending" | "sent" | "delivered" | "expired" | "failed";
  created_at: string;
  created_by: string;
  reason: string | null;
  expires_at: string;
  delivered_at: string | null;
  attempts: number;
  /** Whose word stands behind "delivered": the device's own, or that of the city's broker. */
  taken_by: "device" | "broker" | null;
}

export type Door = "mqtt" | "broker" | "http" | "replay";

export interface RoleHeld {
  role: string;
  /** Null: in the whole city. */
  organisation: string | null;
  /** The code of an area; null: everywhere. */
  area: string | null;
}

export interface Account {
  id: string;
  login: string;
  name: string;
  organisation: string | null;
  roles: RoleHeld[];
  enabled: boolean;
  ends_at: string | null;
  last_seen_at: string | null;
  kind: "person" | "service";
  /** Whether the person signs in through the city's provider. */
  provider: boolean;
  password_initial: boolean;
}

/** Where somebody is signed in. */
export interface SignedIn {
  id: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  address: string | null;
  browser: string | null;
  phone: string | null;
  began_by: "password" | "provider";
  current: boolean;
}

export interface CrewPhone {
  id: number;
  name: string;
  organisation: string | null;
  registered_by: string | null;
  registered_at: string;
  last_seen_at: string;
  revoked_at: string | null;
  people: string[];
}

export interface ApiToken {
  id: string;
  login?: string;
  name: string;
  scopes: string[];
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
}

export interface AuditRecord {
  position: number;
  recorded_at: string;
  actor: string;
  login: string;
  organisation: string | null;
  action: string;
  subject: string;
  reason: string | null;
  details: Record<string, unknown>;
}

export type RuleKind =
  | "threshold"
  | "deviation"
  | "rate"
  | "state"
  | "quality"
  | "silence"
  | "absence"
  | "geofence"
  | "forecast"
  | "neighbours"
  | "combination"
  | "requests";

/** A rule as the API tells it; which figures it has depends on its kind. */
export interface Rule {
  code: string;
  kind: RuleKind;
  title: Texts;
  advice: Texts | null;
  service: string;
  priority: Priority;
  enabled: boolean;
  hold: string;
  source: "package" | "city" | "override";
  changed_by: string | null;
  changed_at: string | null;
  entity_types?: string[];
  attribute?: string;
  reference?: string;
  above?: number | null;
  below?: number | null;
  clear?: number;
  rise?: number | null;
  fall?: number | null;
  over?: string;
  values?: (string | number | boolean)[];
  bad?: number;
  good?: number;
  intervals?: number;
  together?: number;
  must_be?: "inside" | "outside";
  margin?: number;
  distance?: number;
  radius_m?: number;
  of?: unknown[];
  at_least?: number | null;
  service_codes?: string[];
  within?: string;
  rationalisation?: {
    cause: Texts;
    consequence: Texts;
    owner: string;
    impact: "minor" | "moderate" | "serious" | "severe";
    respond_within: string;
  } | null;
  rationalised_priority?: Priority | null;
  latching?: boolean;
  definition?: Record<string, unknown>;
  /** Its definition before people changed it; null for one that they made. */
  original?: Record<string, unknown> | null;
}

export interface DeadLetter {
  id: number | string;
  device_id: string | null;
  door: Door;
  topic: string | null;
  received_at: string;
  field: string | null;
  reason: string;
  reason_texts: Texts;
  value: Value;
  payload: string;
  size: number;
  /** What else was refused in the same message. */
  others?: { field: string | null; reason_texts: Texts; value: Value }[] | null;
  state: "open" | "replayed" | "discarded";
  replayed_at: string | null;
}

export interface DeadLetterList {
  items: DeadLetter[];
  next: string | null;
  counts_by_reason: { reason: string; reason_texts: Texts; count: number }[];
}

export interface SearchItem {
  kind: "asset" | "device" | "street" | "alarm" | "help";
  id: string;
  title: string;
  subtitle: string | null;
  place: Place | null;
}

export interface Basemap {
  attribution: string;
  bounds: [number, number, number, number] | null;
  layers: Record<string, FeatureCollection>;
}

export interface ChangesEvent {
  position: number;
  recorded_at: string;
  changes: {
    id: string;
    state?: AssetState;
    origin?: Origin;
    observed_at: string | null;
    attributes: Record<string, Value>;
  }[];
}

export interface AlarmEvent {
  alarm: Alarm;
  transition: "raised" | "acknowledged" | "cleared" | "updated";
}
