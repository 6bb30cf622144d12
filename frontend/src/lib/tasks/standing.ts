import type { Crew, Task } from "../api/tasks";
import { rankOf } from "../states";
import { isStale } from "../time";

/** What a crew on duty does now: nothing that it was sent to, on its way (or asked to go), at the place. */
export type CrewState = "free" | "sent" | "on_site";

export const CREW_STATES: CrewState[] = ["free", "sent", "on_site"];
const FURTHEST = ["arrived", "under_way", "accepted", "assigned"];

/** A phone says every quarter of a minute where it is; after three minutes of silence its crew may be elsewhere. */
export const POSITION_SECONDS = 60;

export interface Standing {
  crew: Crew;
  state: CrewState;
  /** The task that says so: the one that is furthest, then the most urgent, then the oldest. */
  task: Task | null;
}

/** How each crew on duty stands, by the tasks that are not over. `now` is epoch milliseconds. */
export function standings(crews: Iterable<Crew>, tasks: Iterable<Task>, now: number): Standing[] {
  const held = new Map<number, Task>();
  for (const task of tasks) {
    if (!task.crew || !FURTHEST.includes(task.state)) continue;
    const known = held.get(task.crew.id);
    if (!known || before(task, known)) held.set(task.crew.id, task);
  }
  return [...crews]
    .filter((crew) => crew.on_duty && (crew.on_duty_until === null || Date.parse(crew.on_duty_until) > now))
    .map((crew) => {
      const task = held.get(crew.id) ?? null;
      return { crew, task, state: !task ? "free" : task.state === "arrived" ? "on_site" : "sent" };
    });
}

const before = (a: Task, b: Task): boolean =>
  (FURTHEST.indexOf(a.state) - FURTHEST.indexOf(b.state) ||
    rankOf(b.priority) - rankOf(a.priority) ||
    a.id - b.id) < 0;

/** Whether a crew has not said for long where it is. */
export const isLost = (crew: Crew, now: number): boolean =>
  crew.position !== null && isStale(crew.position.at, now, POSITION_SECONDS);
