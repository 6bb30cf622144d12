/** The scenario's clock. Pure: the caller gives "now". */
import type { Exercise, Scenario } from "../api/exercises";

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

/** How long a scenario and its shortest target last for people, in seconds, on a clock so many times as fast. */
export function forPeople(scenario: Scenario, speed: number): { length: number; shortest: number } {
  const shortest = Math.min(...scenario.targets.map((target) => target.within));
  return { length: (scenario.minutes * 60) / speed, shortest: (shortest * 60) / speed };
}

/** The time in which a person who sits at a desk can see something, decide and do it. */
export const LEAST_SECONDS = 20;

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
