import { preferences } from "../preferences.svelte";
import { translate, type Parameters } from "./index.svelte";
import { requestsEn, type RequestsKey } from "./requests.en";
import { requestsSrCyrl } from "./requests.sr-cyrl";

const catalogue = { en: requestsEn, srCyrl: requestsSrCyrl };

/** A text of citizens' requests in the language of the person. */
export function q(key: RequestsKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

export type { RequestsKey };
