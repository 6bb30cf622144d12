import { preferences } from "../preferences.svelte";
import { alarmsEn, type AlarmsKey } from "./alarms.en";
import { alarmsSrCyrl } from "./alarms.sr-cyrl";
import { translate, type Parameters } from "./index.svelte";

const catalogue = { en: alarmsEn, srCyrl: alarmsSrCyrl };

/** A text of the alarms' screens in the language of the person; loaded with these screens, not before. */
export function a(key: AlarmsKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code of the server; the code itself when there is no such text. */
export function word(group: string, code: string, parameters: Parameters = {}): string {
  const key = `${group}.${code}`;
  return key in alarmsEn ? a(key as AlarmsKey, parameters) : code;
}

export type { AlarmsKey };
