import type { AssetsSource, Vital, VitalSource, VitalTest } from "../api/vitals";
import { attributeName, texts, typeName } from "../i18n/index.svelte";
import { v, type VitalsKey } from "../i18n/vitals";
import { measured } from "../measured.svelte";
import { full, grouped, symbol } from "../units";
import { ApiError } from "../api/client";
import { errorText, valueWord } from "../words";

/** A value with as many decimals as its sign has. */
export const figure = (vital: Vital, value: number): string => grouped(value.toFixed(vital.decimals));

export const figureNow = (vital: Vital): string => (vital.value === null ? "–" : figure(vital, vital.value));

/** A value with its unit, as a sentence has it. */
export const figureText = (vital: Vital, value: number): string =>
  [figure(vital, value), symbol(vital.unit)].filter(Boolean).join("\u00a0");

/** Judged by what is shown: 94.6 of a sign without decimals is 95. */
export function isOutside(vital: Vital): boolean {
  if (vital.value === null || !vital.normal) return false;
  const shown = Number(vital.value.toFixed(vital.decimals));
  return shown < vital.normal[0] || shown > vital.normal[1];
}

export const nameOf = (vital: Vital): string => texts(vital.name);

/** A target as a sentence; `bare` where a heading already says that it is one. */
export function targetText(vital: Vital, bare = false): string {
  const { target } = vital;
  if (!target) return bare ? "–" : v("target.none");
  const unit = symbol(vital.unit);
  const withUnit = (value: number) => (unit ? `${full(value)}\u00a0${unit}` : full(value));
  return target.at_least != null
    ? v(bare ? "target.bareAtLeast" : "target.atLeast", { n: withUnit(target.at_least) })
    : v(bare ? "target.bareAtMost" : "target.atMost", { n: withUnit(target.at_most ?? 0) });
}

export const bandText = (vital: Vital): string =>
  vital.normal ? v("band", { low: full(vital.normal[0]), high: full(vital.normal[1]) }) : "";

/** Why there is no value, and what it would need. */
export function missingText(vital: Vital): string {
  if (!vital.missing) return "";
  const what = vital.source.kind === "assets" ? vital.source.types.map(typeName).join(", ") : "";
  return v(`missing.${vital.missing}`, { what });
}

const lower = (name: string): string =>
  /^[\p{Lu}][\p{Ll}]/u.test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name;

function testText(test: VitalTest, type: string | undefined): string {
  if (test.hours) return v("test.hours", { hours: test.hours.replace("-", "–") });
  const own = lower(attributeName(test.attribute ?? ""));
  const a = test.reference ? v("difference", { a: own, b: lower(attributeName(test.reference)) }) : own;
  const number = (value: number) => measured.limit(value, type, test.attribute);
  if (test.equals)
    return v("test.equals", { a, words: test.equals.map((one) => valueWord(String(one))).join(" / ") });
  if (test.above != null && test.below != null)
    return v("test.between", { a, low: number(test.above), high: number(test.below) });
  return test.above != null
    ? v("test.above", { a, n: number(test.above) })
    : v("test.below", { a, n: number(test.below ?? 0) });
}

const together = (tests: VitalTest[], type: string | undefined): string =>
  tests.map((test) => testText(test, type)).join(` ${v("and")} `);

function assetsText(source: AssetsSource): string {
  const types = source.types.map(typeName).join(", ");
  const a = lower(attributeName(source.attribute ?? ""));
  const p = lower(attributeName(source.per ?? ""));
  const parts = [v(`aggregate.${source.aggregate}`, { a, p })];
  if (source.ways?.length)
    parts.push(source.ways.map((way) => together(way, source.types[0])).join(`; ${v("or")} `));
  let sentence = `${types}: ${parts.join(" ")}`;
  if (source.over) sentence += `, ${v("over", { time: timeText(source.over) })}`;
  if (source.among?.length) sentence += `, ${v("among")} ${together(source.among, source.types[0])}`;
  return sentence;
}

/** A duration as rules write it ("1d 12h"), as people read it: a day is 24 h, several are days. */
function timeText(duration: string | undefined): string {
  const parts = /^\s*(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*$/.exec(duration ?? "");
  if (!parts) return duration ?? "";
  const [days, hours, minutes] = [parts[1], parts[2], parts[3]].map((part) => Number(part ?? 0));
  const inHours = days === 1 || (days && hours) ? days * 24 + (hours ?? 0) : (hours ?? 0);
  const said = [
    days && days > 1 && !hours ? v("days", { n: days }) : "",
    inHours ? `${inHours}\u00a0h` : "",
    minutes ? `${minutes}\u00a0min` : "",
  ];
  return said.filter(Boolean).join(" ");
}

/** How a sign is measured, as a sentence. */
export function sourceText(source: VitalSource): string {
  if (source.kind === "assets") return `${assetsText(source)}.`;
  return `${v(`figure.${source.figure}`, { over: timeText(source.over), within: timeText(source.within) })}.`;
}

const REFUSALS = new Set(["changed-meanwhile", "vital-sign-shape", "vital-signs-many", "vital-layout-keys"]);

/** What was refused and why; of a definition the field and the reason stand in the server's words. */
export function vitalsError(error: unknown): string {
  if (!(error instanceof ApiError) || !REFUSALS.has(error.code)) return errorText(error);
  return v(`error.${error.code}` as VitalsKey, error.values);
}
