import { preferences } from "../preferences.svelte";
import { incidentsEn, type IncidentsKey } from "./incidents.en";
import { incidentsSrCyrl } from "./incidents.sr-cyrl";
import { translate, type Parameters } from "./index.svelte";

const catalogue = { en: incidentsEn, srCyrl: incidentsSrCyrl };

/** A text of the incidents' screens in the language of the person; loaded with these screens, not before. */
export function i(key: IncidentsKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code of the server; null when there is no such text. */
export function known(key: string, parameters: Parameters = {}): string | null {
  return key in incidentsEn ? i(key as IncidentsKey, parameters) : null;
}

export type { IncidentsKey };
