import { preferences } from "../preferences.svelte";
import { dutyEn, type DutyKey } from "./duty.en";
import { dutySrCyrl } from "./duty.sr-cyrl";
import { translate, type Parameters } from "./index.svelte";

const catalogue = { en: dutyEn, srCyrl: dutySrCyrl };

/** A text of duty's screens in the language of the person; loaded with these screens, not before. */
export function d(key: DutyKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code of the server; null when there is no such text. */
export function known(key: string): string | null {
  return key in dutyEn ? d(key as DutyKey) : null;
}
