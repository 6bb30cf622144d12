import type { Finding } from "../api/pilots";
import { fill, inScript } from "../i18n/index.svelte";
import { toLatin } from "../i18n/transliterate";
import { findingsSrCyrl } from "../i18n/pilots.findings";
import { preferences } from "../preferences.svelte";
import { percent, figure, dayText } from "./figures";

const PLACES = /\{\w+\}/;
const SHARES = /fraction|share|level|coverage|covered|size|median|worst/;

/** The figures of a finding as people read them: shares as per cent, days as dates. */
function readable(finding: Finding): Record<string, string> {
  const found: Record<string, string> = {
    subject: inScript(finding.subject ?? ""),
    first: finding.first ? dayText(finding.first) : "",
    last: finding.last ? dayText(finding.last) : "",
  };
  for (const [name, value] of Object.entries(finding.values)) {
    if (typeof value !== "number")
      found[name] = /^\d{4}-\d\d-\d\d/.test(value) ? dayText(value) : inScript(value);
    else found[name] = SHARES.test(name) ? percent(name === "size" ? Math.abs(value) : value) : figure(value);
  }
  const size = finding.values.size;
  if (typeof size === "number")
    found.change = inScript(`${percent(Math.abs(size))} ${size > 0 ? "више" : "мање"}`);
  return found;
}

/** A finding as a sentence in the language of the person; in English, and without a translation, as the server says it. */
export function findingText(finding: Finding): string {
  if (preferences.language === "en") return inScript(finding.text);
  const values = readable(finding);
  for (const key of [`${finding.code}.${finding.severity}`, finding.code]) {
    const template = findingsSrCyrl[key];
    if (template === undefined) continue;
    const said = fill(preferences.language === "sr-Latn" ? toLatin(template) : template, values);
    if (!PLACES.test(said)) return said;
  }
  return inScript(finding.text);
}
