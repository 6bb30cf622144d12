import type { Problem } from "../api/pilots";
import { known } from "../i18n/pilots";
import { preferences } from "../preferences.svelte";

/** What is wrong with a field, in the language of the person; in English as the server says it. */
export function problemText(problem: Problem): string {
  const said = preferences.language === "en" ? null : known("problem", problem.code ?? "");
  const text = said ?? problem.reason;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
