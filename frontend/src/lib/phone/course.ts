import type { Act, Change, Task, TaskState } from "../api/tasks";

/** The task as the crew sees it: with what was done on this phone and has not been sent. */
const REACHES: Partial<Record<Act, TaskState>> = {
  accept: "accepted",
  depart: "under_way",
  arrive: "arrived",
  done: "done",
  fail: "failed",
  decline: "open",
};
const RANK: TaskState[] = ["assigned", "accepted", "under_way", "arrived", "done", "failed", "open"];

export function withUnsent(task: Task, unsent: Change[]): Task {
  let state = task.state;
  for (const { act, round } of unsent.filter((change) => change.task === task.id)) {
    const reached = REACHES[act];
    if (round === task.round && reached && RANK.indexOf(reached) > RANK.indexOf(state)) state = reached;
  }
  return state === task.state ? task : { ...task, state };
}

/** What a crew may do next, the likeliest first. */
export function nextActs(state: TaskState): Act[] {
  switch (state) {
    case "assigned":
      return ["accept", "decline"];
    case "accepted":
      return ["depart", "arrive", "fail", "note"];
    case "under_way":
      return ["arrive", "fail", "note"];
    case "arrived":
      return ["done", "fail", "note"];
    case "done":
    case "failed":
      return ["note"];
    default:
      return [];
  }
}

export const asksForWords = (act: Act) =>
  act === "done" || act === "fail" || act === "decline" || act === "note";
