import { preferences } from "../preferences.svelte";
import { translate, type Parameters } from "./index.svelte";
import { vitalsEn, type VitalsKey } from "./vitals.en";
import { vitalsSrCyrl } from "./vitals.sr-cyrl";

const catalogue = { en: vitalsEn, srCyrl: vitalsSrCyrl };

/** A text of vital signs in the language of the person. */
export function v(key: VitalsKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

export type { VitalsKey };
