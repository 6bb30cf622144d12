import type { Finding } from "../api/pilots";
import { inScript } from "../i18n/index.svelte";
import { known } from "../i18n/pilots";
import { preferences } from "../preferences.svelte";
import { percent, figure, dayText } from "./figures";

const PLACES = /\{(\w+)\}/g;

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

/** A finding as a sentence in the language of the person; in English as the server says it. */
export function findingText(finding: Finding): string {
  if (preferences.language === "en") return finding.text;
  const values = readable(finding);
  const said = known("finding", finding.code, values);
  return said === null || PLACES.test(said) ? finding.text : said;
}
