import { preferences } from "../preferences.svelte";
import { toLatin } from "./transliterate";
import { translate, type Parameters } from "./index.svelte";
import { proceduresEn, type ProceduresKey } from "./procedures.en";
import { proceduresSrCyrl } from "./procedures.sr-cyrl";

const catalogue = { en: proceduresEn, srCyrl: proceduresSrCyrl };

/** A text of the procedures' screens in the language of the person; loaded with these screens, not before. */
export function p(key: ProceduresKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code; null when there is no such text. */
export function known(key: string, parameters: Parameters = {}): string | null {
  return key in proceduresEn ? p(key as ProceduresKey, parameters) : null;
}

/** What people wrote in both languages, in that of the person; the other one when it is missing. */
export function said(words: { en: string; sr: string } | null | undefined): string {
  if (!words) return "";
  if (preferences.language === "en") return words.en || toLatin(words.sr);
  return (preferences.language === "sr-Cyrl" ? words.sr : toLatin(words.sr)) || words.en;
}

export type { ProceduresKey };
