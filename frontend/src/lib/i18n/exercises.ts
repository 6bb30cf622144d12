import { preferences } from "../preferences.svelte";
import { exercisesEn, type ExercisesKey } from "./exercises.en";
import { exercisesSrCyrl } from "./exercises.sr-cyrl";
import { translate, type Parameters } from "./index.svelte";

const catalogue = { en: exercisesEn, srCyrl: exercisesSrCyrl };

/** A text of the exercises' screens in the language of the person; loaded with them, not before. */
export function x(key: ExercisesKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code; null when there is no such text. */
export function known(key: string, parameters: Parameters = {}): string | null {
  return key in exercisesEn ? x(key as ExercisesKey, parameters) : null;
}
