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

/** Whether a view of the same exercise tells of a later moment than the one that is known. */
export function isNewer(known: Exercise, coming: Exercise): boolean {
  if (known.version !== coming.version) return coming.version > known.version;
  return (coming.events?.length ?? 0) >= (known.events?.length ?? 0);
}
