import { ApiError } from "./api/client";
import type { Texts, Value } from "./api/types";
import { inScript, t, texts } from "./i18n/index.svelte";
import type { MessageKey } from "./i18n/en";
import { en } from "./i18n/en";
import { parts } from "./units";

/** A stored word such as "on" or "free" in the language of the person; others as they are. */
export function valueWord(value: string): string {
  const key = `value.${value}`;
  return key in en ? t(key as MessageKey) : inScript(value);
}

/** A place as latitude and longitude, a text in languages in the reader's; null for what is neither. */
export function storedText(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const [longitude, latitude] = (value as { coordinates?: unknown[] }).coordinates ?? [];
  if (typeof longitude === "number" && typeof latitude === "number") return `${latitude}, ${longitude}`;
  return "en" in value && "sr-Cyrl" in value ? texts(value as unknown as Texts) : null;
}

export const valueParts = (
  value: Value,
  unit: string | null,
  attribute: string | null,
  precision: "short" | "full" = "short",
) => parts(value, unit, attribute, precision, valueWord);

export function valueText(
  value: Value,
  unit: string | null,
  attribute: string | null,
  precision: "short" | "full" = "short",
): string {
  const { text, unit: symbol } = valueParts(value, unit, attribute, precision);
  return symbol ? `${text}\u00a0${symbol}` : text;
}

/** A word of the program (a role, a permission, an action) in the language of the person; unknown ones as they are. */
function named(group: "role" | "permission" | "action", name: string): string {
  const key = `${group}.${name}`;
  return key in en ? t(key as MessageKey) : name;
}

export const ROLES = [
  "dispatcher",
  "supervisor",
  "utility_manager",
  "energy_manager",
  "crew",
  "auditor",
  "administrator",
  "citizen",
];
export const roleName = (name: string) => named("role", name);
export const permissionName = (name: string) => named("permission", name);
export const actionName = (name: string) => named("action", name);

/** What went wrong and what to do next, as a sentence. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError))
    return t("error.server", { code: error instanceof Error ? error.name : "?" });
  if (error.status === 0) return t("error.unreachable");
  // Of what a form got wrong the server says the kind, too (src/vidik/app/problems.py).
  const kinds = [`error.${error.code}.${error.values["kind"] ?? ""}`, `error.${error.code}`];
  const values = Object.entries(error.values).map(([name, value]) => [
    name,
    typeof value === "string" ? inScript(value) : value,
  ]);
  const sentences = kinds
    .filter((key) => key in en)
    .map((key) => t(key as MessageKey, Object.fromEntries(values)));
  // A sentence with a gap (a value that the server did not say) is worse than the server's own.
  const sentence = sentences.find((one) => !/\{\w+\}/.test(one));
  if (sentence) return sentence;
  if (error.status === 403) return t("error.forbidden");
  if (error.status >= 400 && error.status < 500 && error.detail) return error.detail;
  return t("error.server", { code: error.code });
}
