/** What the server refuses, or says of a field, in the language of the person: by code and values, not by its words. */
import { ApiError } from "../api/client";
import type { Problem } from "../api/pilots";
import { capital, inScript } from "../i18n/index.svelte";
import { problemsSrCyrl, refusalsSrCyrl, weekdaysSrCyrl } from "../i18n/pilots/refusals.sr-cyrl";
import { preferences } from "../preferences.svelte";
import { errorText } from "../words";
import { serbianFinding } from "./findings";
import { serbian, type Values } from "./serbian";

const inSerbian = () => preferences.language !== "en";
const sentence = (text: string) => (/[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`);

function serbianProblem(code: string, values: Values): string | null {
  const weekday = weekdaysSrCyrl[Number(values.day ?? NaN)];
  return serbian([problemsSrCyrl[code]], weekday ? { ...values, weekday } : values);
}

/** What is wrong with a field. */
export function problemText({ code, values, reason }: Problem): string {
  return sentence((inSerbian() ? serbianProblem(code ?? "", values ?? {}) : null) ?? inScript(reason));
}

/** Why something was refused: a refusal may name the problem or the finding that it is about. */
function refused(code: string, values: Values, detail: string): string {
  if (!inSerbian()) return inScript(detail);
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
export const jobText = (error: { code: string; detail: string; values?: Values } | null): string =>
  error ? refused(error.code, error.values ?? {}, error.detail) : "";
