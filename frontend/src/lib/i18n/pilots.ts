import { preferences } from "../preferences.svelte";
import { translate, type Parameters } from "./index.svelte";
import { pilotsEn, type PilotsKey } from "./pilots.en";
import { pilotsSrCyrl } from "./pilots.sr-cyrl";

const catalogue = { en: pilotsEn, srCyrl: pilotsSrCyrl };

/** A text of the pilots' screens in the language of the person; loaded with these screens, not before. */
export function p(key: PilotsKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code of the server; null when there is no such text. */
export function known(group: string, code: string, parameters: Parameters = {}): string | null {
  const key = `${group}.${code}`;
  return key in pilotsEn ? p(key as PilotsKey, parameters) : null;
}

export type { PilotsKey };
