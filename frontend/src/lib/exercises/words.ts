import { ApiError } from "../api/client";
import type { Exercise, ExerciseEvent, Scored } from "../api/exercises";
import { known, x } from "../i18n/exercises";
import { texts } from "../i18n/index.svelte";
import { errorText } from "../words";

/** What went wrong at the doors of exercises, in the language of the person. */
export function exerciseError(error: unknown): string {
  const said = error instanceof ApiError ? known(`error.${error.code}`, error.values) : null;
  return said ?? errorText(error);
}

/** What a target counts from, in words. */
export function afterText(
  scored: Pick<Scored, "after">,
  events: Pick<ExerciseEvent, "id" | "title">[],
): string {
  const event = events.find((one) => one.id === scored.after);
  return event ? x("after", { event: texts(event.title) }) : x("after.begin");
}

/** "5 of 8", of what is over. */
export const inTime = (exercise: Exercise): string =>
  exercise.score ? `${exercise.score.totals.within} / ${exercise.score.totals.targets}` : "–";
