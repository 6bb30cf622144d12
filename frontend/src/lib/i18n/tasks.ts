import { preferences } from "../preferences.svelte";
import { translate, type Parameters } from "./index.svelte";
import { tasksEn, type TasksKey } from "./tasks.en";
import { tasksSrCyrl } from "./tasks.sr-cyrl";

const catalogue = { en: tasksEn, srCyrl: tasksSrCyrl };

/** A text of tasks, crews and the phone in the language of the person; loaded with these screens, not before. */
export function k(key: TasksKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, catalogue);
}

/** A text whose key is put together from a code of the server; null when there is no such text. */
export function known(key: string, parameters: Parameters = {}): string | null {
  return key in tasksEn ? k(key as TasksKey, parameters) : null;
}

export type { TasksKey };
