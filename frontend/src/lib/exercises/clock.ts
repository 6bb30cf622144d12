/** The scenario's clock. Pure: the caller gives "now". */
import type { Exercise } from "../api/exercises";

/** Where the scenario's clock stands, in seconds, by our clock; it never passes the end. */
export function clockSeconds(exercise: Exercise, nowMs: number): number {
  if (exercise.state !== "running") return exercise.clock_seconds;
  const passed = Math.max(0, nowMs - Date.parse(exercise.counted_at)) / 1000;
  return Math.min(exercise.minutes * 60, exercise.clock_seconds + passed * exercise.speed);
}

/** Seconds as minutes and seconds, "72:05". */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

export const isPlaying = (exercise: Exercise): boolean =>
  exercise.state === "running" || exercise.state === "paused";

/** An exercise with what came in alone, as everybody is told of it; who leads one is answered with all of it. */
export function heard(exercise: Exercise): Exercise {
  const events = (exercise.events ?? []).filter(
    (one) => one.fired_at !== null && (one.do === "call" || one.do === "incident"),
  );
  return { ...exercise, events };
}

const fired = (exercise: Exercise): number =>
  (exercise.events ?? []).filter((one) => one.fired_at !== null).length;

/** Whether a view of the same exercise, to the same reader, is no older than the one that is known. */
export function isNewer(known: Exercise, coming: Exercise): boolean {
  if (known.version !== coming.version) return coming.version > known.version;
  return fired(coming) >= fired(known);
}
