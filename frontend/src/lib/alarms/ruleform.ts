import type { PriorityMatrix } from "../api/alarms.types";
import type { Priority, Rule, RuleKind } from "../api/types";
import { minutesOf } from "./words";

export type Draft = Record<string, unknown>;

/** A field of a kind of rule, and how it is asked for. `oneOf`: a figure under one of two names. */
export type Field =
  | { name: string; as: "attribute" | "duration" | "list" | "conditions" | "area" | "origins" | "sentence" }
  | { name: string; as: "number"; min?: number; max?: number; whole?: boolean; optional?: boolean }
  | { name: string; as: "choice"; choices: string[] }
  | { name: string; as: "oneOf"; names: [string, string] };

const SIDE: Field = { name: "side", as: "choice", choices: ["both", "above", "below"] };
const ATTRIBUTE: Field = { name: "attribute", as: "attribute" };

export const FIELDS: Record<RuleKind, Field[]> = {
  threshold: [
    ATTRIBUTE,
    { name: "level", as: "oneOf", names: ["above", "below"] },
    { name: "clear", as: "number" },
  ],
  deviation: [
    ATTRIBUTE,
    { name: "reference", as: "attribute" },
    { name: "distance", as: "oneOf", names: ["above", "below"] },
    { name: "clear", as: "number" },
  ],
  rate: [
    ATTRIBUTE,
    { name: "change", as: "oneOf", names: ["rise", "fall"] },
    { name: "over", as: "duration" },
    { name: "clear", as: "number", min: 0 },
  ],
  state: [ATTRIBUTE, { name: "values", as: "list" }],
  quality: [
    { name: "attributes", as: "list" },
    { name: "bad", as: "number", min: 1, whole: true },
    { name: "good", as: "number", min: 1, whole: true },
  ],
  silence: [
    { name: "intervals", as: "number", min: 1 },
    { name: "expected", as: "duration" },
    { name: "origins", as: "origins" },
    { name: "together", as: "number", min: 2, whole: true },
    { name: "together_priority", as: "choice", choices: ["critical", "high", "medium", "low"] },
    { name: "together_message", as: "sentence" },
  ],
  absence: [ATTRIBUTE],
  geofence: [
    ATTRIBUTE,
    { name: "must_be", as: "choice", choices: ["inside", "outside"] },
    { name: "area", as: "area" },
    { name: "margin_m", as: "number", min: 0 },
  ],
  forecast: [
    ATTRIBUTE,
    SIDE,
    { name: "season", as: "choice", choices: ["day", "week"] },
    { name: "margin", as: "number", min: 0 },
    { name: "spreads", as: "number", min: 0 },
    { name: "clear", as: "number", min: 0, max: 1 },
    { name: "learn", as: "number", min: 2, max: 60, whole: true },
  ],
  neighbours: [
    ATTRIBUTE,
    SIDE,
    { name: "radius_m", as: "number", min: 1 },
    { name: "at_least", as: "number", min: 2, whole: true },
    { name: "distance", as: "number", min: 0 },
    { name: "clear", as: "number", min: 0 },
  ],
  combination: [
    { name: "of", as: "conditions" },
    { name: "at_least", as: "number", min: 1, whole: true, optional: true },
  ],
  requests: [
    { name: "service_codes", as: "list" },
    { name: "at_least", as: "number", min: 1, max: 1000, whole: true },
    { name: "radius_m", as: "number", min: 1, max: 20_000 },
    { name: "within", as: "duration" },
  ],
};
export const KINDS = Object.keys(FIELDS) as RuleKind[];
/** Kinds for which history has no answer. */
export const UNTRIABLE: RuleKind[] = ["quality", "silence"];
export const TIMES = ["hold", "clear_hold", "max_gap", "reopen"] as const;
export const IMPACTS = ["severe", "serious", "moderate", "minor"] as const;

const USUAL: Draft = {
  advice: null,
  enabled: true,
  entity_ids: null,
  when: [],
  hold: "0s",
  clear_hold: "0s",
  max_gap: "3h",
  reopen: "30m",
  latching: false,
  ask_on_return: true,
  rationalisation: null,
  inhibited_by: [],
  maintenance: [],
  group: "service",
};
const USUAL_OF_KIND: Partial<Record<RuleKind, Draft>> = {
  state: { values: [] },
  quality: { attributes: null, bad: 2, good: 3 },
  silence: {
    intervals: 3,
    expected: null,
    origins: ["real", "simulated"],
    together: 10,
    together_priority: "high",
    together_message: { en: "", sr: "" },
  },
  absence: { hold: "1h" },
  geofence: {
    attribute: "location",
    must_be: "inside",
    circle: { centre: [0, 0], radius_m: 500 },
    polygon: null,
    margin_m: 0,
  },
  forecast: { side: "both", season: "day", margin: null, spreads: 4, clear: 0.7, learn: 7 },
  neighbours: { side: "both", radius_m: 2000, at_least: 3, distance: null, clear: null },
  combination: {
    of: [
      { attribute: "", above: 0 },
      { attribute: "", above: 0 },
    ],
    at_least: null,
  },
  requests: {
    entity_types: ["service_requests"],
    service_codes: [],
    at_least: 1,
    radius_m: 200,
    within: "1h",
  },
};

/** What the form begins with: the rule that stands, with its defaults written out. */
export const draftOf = (rule: Rule): Draft => ({
  ...USUAL,
  ...USUAL_OF_KIND[rule.kind],
  ...structuredClone(rule.definition ?? {}),
});

export const newDraft = (kind: RuleKind, before: Draft = {}): Draft => {
  const kept = Object.fromEntries(
    [
      "code",
      "title",
      "message",
      "advice",
      "service",
      "priority",
      "entity_types",
      "attribute",
      "rationalisation",
    ]
      .filter((name) => before[name] !== undefined)
      .map((name) => [name, before[name]]),
  );
  return {
    title: { en: "", sr: "" },
    message: { en: "", sr: "" },
    service: "water",
    priority: "low",
    entity_types: [],
    ...USUAL,
    ...Object.fromEntries(FIELDS[kind].flatMap((field) => startOf(field))),
    ...USUAL_OF_KIND[kind],
    ...kept,
    // Requests are of one type, and no other rule is about them.
    ...(kind === "requests" || before["kind"] === "requests"
      ? { entity_types: kind === "requests" ? ["service_requests"] : [] }
      : {}),
    kind,
  };
};

function startOf(field: Field): [string, unknown][] {
  if (field.as === "oneOf") return field.names.map((name) => [name, null]);
  if (field.as === "attribute") return [[field.name, ""]];
  if (field.as === "duration") return [[field.name, "1h"]];
  return [[field.name, null]];
}

/** What is sent: every field of the kind, said outright, so that nothing of the rule before stays by accident. */
export function definitionOf(draft: Draft): Draft {
  const kind = draft["kind"] as RuleKind;
  const own = FIELDS[kind].flatMap((field) =>
    field.as === "oneOf" ? field.names : field.as === "area" ? ["circle", "polygon"] : [field.name],
  );
  const names = new Set([
    ...["kind", "code", "title", "message", "service", "priority", "entity_types", ...Object.keys(USUAL)],
    ...own,
  ]);
  const entries = [...names].map((name): [string, unknown] => [name, cleaned(name, draft[name])]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

const OPTIONAL_LISTS = new Set(["entity_ids", "attributes"]);

function cleaned(name: string, value: unknown): unknown {
  if (value === "" && (name === "expected" || name === "at_least")) return null;
  if (Array.isArray(value) && value.length === 0 && OPTIONAL_LISTS.has(name)) return null;
  if (name === "advice" && isBlank(value)) return null;
  return value;
}

const isBlank = (text: unknown) =>
  !text || Object.values(text as Record<string, string>).every((one) => !one.trim());

/** What does not hold together in a form, as the end of a text's key; the server says the same in English. */
export type Mistake = "clear" | "distance" | "hold" | "atLeast";

export function mistakeOf(draft: Draft): Mistake | null {
  const figure = (name: string) => (typeof draft[name] === "number" ? (draft[name] as number) : null);
  const clear = figure("clear");
  const [above, below] = [figure("above"), figure("below")];
  switch (draft["kind"] as RuleKind) {
    case "threshold":
      if (clear === null) return null;
      return (above !== null && clear > above) || (below !== null && clear < below) ? "clear" : null;
    case "deviation": {
      const distance = above ?? below ?? 0;
      return distance <= 0 || (clear ?? 0) > distance ? "distance" : null;
    }
    case "rate":
      return (clear ?? 0) > (figure("rise") ?? figure("fall") ?? 0) ? "distance" : null;
    case "neighbours":
      return (clear ?? 0) > (figure("distance") ?? 0) ? "distance" : null;
    case "absence":
      return minutesOf(String(draft["hold"])) > 0 ? null : "hold";
    case "combination":
      return (figure("at_least") ?? 0) > ((draft["of"] as unknown[] | null)?.length ?? 0) ? "atLeast" : null;
    default:
      return null;
  }
}

/** The priority that impact and time to respond give. */
export function priorityOf(matrix: PriorityMatrix, impact: string, within: string): Priority | null {
  const minutes = minutesOf(within);
  const column = matrix.respond_within.findIndex((limit) => limit === null || minutes <= minutesOf(limit));
  return matrix.priority[impact]?.[column] ?? null;
}
