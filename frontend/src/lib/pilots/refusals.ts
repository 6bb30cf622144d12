/** What the server refuses, or says of a field, in the language of the person: by code and values, not by its words. */
import { ApiError } from "../api/client";
import type { Problem, Refused } from "../api/pilots";
import { capital, inScript } from "../i18n/index.svelte";
import { problemsSrCyrl, refusalsSrCyrl, weekdaysSrCyrl } from "../i18n/pilots/refusals.sr-cyrl";
import { known } from "../i18n/pilots";
import { preferences } from "../preferences.svelte";
import { errorText } from "../words";
import { serbianFinding } from "./findings";
import { serbian, withDays, type Values } from "./serbian";

const inSerbian = () => preferences.language !== "en";
const sentence = (text: string) => (/[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`);

function serbianProblem(code: string, values: Values): string | null {
  const weekday = weekdaysSrCyrl[Number(values.day ?? NaN)];
  return serbian([problemsSrCyrl[code]], weekday ? { ...values, weekday } : values);
}

/** Where something is wrong, below the first `depth` parts of the field's path: "Price 2, Source". */
function fieldWords(field: string, depth: number): string {
  const found: string[] = [];
  for (const part of field.split(".").slice(depth)) {
    if (/^\d+$/.test(part)) found.push(`${found.pop() ?? ""} ${Number(part) + 1}`.trim());
    else if (part !== "price" && part !== "specification")
      found.push(known("member", part) ?? known("field", part) ?? part);
  }
  return found.filter((name) => !/^\d+$/.test(name)).join(", ");
}

/** What is wrong with a field; `depth` is how much of its path the place where it stands says already. */
export function problemText({ field, code, values, reason }: Problem, depth: number): string {
  const said = (inSerbian() ? serbianProblem(code ?? "", values ?? {}) : null) ?? withDays(inScript(reason));
  const where = fieldWords(field, depth);
  return sentence(where ? `${where}: ${said}` : said);
}

/** Why something was refused: a refusal may name the problem or the finding that it is about. */
function refused(code: string, values: Values, detail: string): string {
  if (!inSerbian()) return withDays(inScript(detail));
  const { problem, finding } = values;
  const about = {
    ...values,
    ...(typeof problem === "string" ? { problem: serbianProblem(problem, values) ?? "{problem}" } : {}),
    ...(typeof finding === "string"
      ? { finding: serbianFinding(finding, "refused", values) ?? "{finding}" }
      : {}),
  };
  return serbian([refusalsSrCyrl[code], refusalsSrCyrl[`${code}.short`]], about) ?? inScript(detail);
}

/** What went wrong and what to do next, as a sentence. */
export function refusalText(error: unknown): string {
  const isRefusal =
    error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 403;
  return isRefusal ? refused(error.code, error.values, error.detail) : errorText(error);
}

/** Why long work came to nothing. */
export const jobText = (error: Refused | null): string =>
  error ? refused(error.code, error.values ?? {}, error.detail) : "";
