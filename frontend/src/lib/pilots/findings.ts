import type { Finding } from "../api/pilots";
import { fill, inScript } from "../i18n/index.svelte";
import { toLatin } from "../i18n/transliterate";
import { findingsSrCyrl } from "../i18n/pilots.findings";
import { preferences } from "../preferences.svelte";
import { percent, figure, dayText } from "./figures";

const PLACES = /\{\w+\}/;

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
    else found[name] = /fraction|share|level|coverage|covered/.test(name) ? percent(value) : figure(value);
  }
  return found;
}

/** A finding as a sentence in the language of the person; in English, and without a translation, as the server says it. */
export function findingText(finding: Finding): string {
  const template = findingsSrCyrl[finding.code];
  if (preferences.language === "en" || template === undefined) return inScript(finding.text);
  const said = fill(preferences.language === "sr-Latn" ? toLatin(template) : template, readable(finding));
  return PLACES.test(said) ? finding.text : said;
}
