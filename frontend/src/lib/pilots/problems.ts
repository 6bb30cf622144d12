import type { Problem } from "../api/pilots";
import { capital, inScript } from "../i18n/index.svelte";
import { problemsSrCyrl } from "../i18n/pilots.findings";
import { preferences } from "../preferences.svelte";

/** What is wrong with a field, in the language of the person; in English as the server says it. */
export function problemText(problem: Problem): string {
  const said = preferences.language === "en" ? undefined : problemsSrCyrl[problem.code ?? ""];
  const text = capital(inScript(said ?? problem.reason));
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
