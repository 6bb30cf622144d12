import type { Finding } from "../api/pilots";
import { inScript } from "../i18n/index.svelte";
import { findingsSrCyrl } from "../i18n/pilots.findings";
import { refusalsSrCyrl } from "../i18n/pilots/refusals.sr-cyrl";
import { preferences } from "../preferences.svelte";
import { serbian, withDays, type Values } from "./serbian";

/** What a finding says in Serbian, by its code and severity; null without a translation. */
export const serbianFinding = (code: string, severity: string, values: Values): string | null =>
  serbian([findingsSrCyrl[`${code}.${severity}`], findingsSrCyrl[code], refusalsSrCyrl[code]], values);

/** A finding as a sentence in the language of the person; in English, and without a translation, as the server says it. */
export function findingText(finding: Finding): string {
  if (preferences.language === "en") return withDays(inScript(finding.text));
  const { subject, first, last } = finding;
  const values = { subject: subject ?? "", first: first ?? "", last: last ?? "", ...finding.values };
  return serbianFinding(finding.code, finding.severity, values) ?? inScript(finding.text);
}
