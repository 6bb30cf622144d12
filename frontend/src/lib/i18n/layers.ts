import { preferences } from "../preferences.svelte";
import { translate, type Parameters } from "./index.svelte";
import { layersEn, type LayersKey } from "./layers.en";
import { layersSrCyrl } from "./layers.sr-cyrl";

const catalogue = { en: layersEn, srCyrl: layersSrCyrl };

/** A text of the map's layers in the language of the person. */
export function l(key: LayersKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

export type { LayersKey };
