import { preferences } from "../preferences.svelte";
import { translate, type Parameters } from "./index.svelte";
import { warningsEn, type WarningsKey } from "./warnings.en";
import { warningsSrCyrl } from "./warnings.sr-cyrl";

const catalogue = { en: warningsEn, srCyrl: warningsSrCyrl };

/** A text of the warnings' screen in the language of the person; loaded with this screen, not before. */
export function w(key: WarningsKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code; null when there is no such text. */
export function known(key: string, parameters: Parameters = {}): string | null {
  return key in warningsEn ? w(key as WarningsKey, parameters) : null;
}
