import { fill, inScript } from "../i18n/index.svelte";
import { toLatin } from "../i18n/transliterate";
import { preferences } from "../preferences.svelte";
import { dayText, figure, percent } from "./figures";

/** What a sentence of the server needs, beside its code. */
export type Values = Readonly<Record<string, number | string>>;

const PLACES = /\{\w+\}/;
const SHARES = /fraction|share|level|coverage|covered|size|median|worst/;
const DAYS = /\d{4}-\d\d-\d\d/g;

/** Days as people write them in a sentence of the server. */
export const withDays = (text: string): string => text.replaceAll(DAYS, (day) => dayText(day));

/** The figures of a sentence as people read them: shares as per cent, days as dates, names in their script. */
function readable(values: Values): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "number") found[name] = inScript(withDays(value));
    else found[name] = SHARES.test(name) ? percent(name === "size" ? Math.abs(value) : value) : figure(value);
  }
  const size = values.size;
  if (typeof size === "number")
    found.change = inScript(`${percent(Math.abs(size))} ${size > 0 ? "више" : "мање"}`);
  return found;
}

/** The first of some sentences, written in Cyrillic, whose every place can be filled in; null when there is none. */
export function serbian(templates: readonly (string | undefined)[], values: Values): string | null {
  const known = readable(values);
  for (const template of templates) {
    if (template === undefined) continue;
    const said = fill(preferences.language === "sr-Latn" ? toLatin(template) : template, known);
    if (!PLACES.test(said)) return said;
  }
  return null;
}
