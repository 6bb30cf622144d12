import type { Alarm, AssetState, Priority } from "./api/types";

/** How loudly a state calls. Unknown stands above normal: it is never shown as good. */
export const RANK: Record<AssetState, number> = {
  normal: 0,
  out_of_service: 1,
  unknown: 2,
  low: 3,
  medium: 4,
  high: 5,
  critical: 6,
};

const BY_RANK = Object.entries(RANK).reduce<AssetState[]>((states, [state, rank]) => {
  states[rank] = state as AssetState;
  return states;
}, []);

export const STATES = [...BY_RANK].reverse();
export const PRIORITIES: Priority[] = ["critical", "high", "medium", "low"];

export const rankOf = (state: string): number => RANK[state as AssetState] ?? RANK.unknown;

/** The state of a rank; a cluster on the map only knows the highest rank inside it. */
export const stateOfRank = (rank: number): AssetState => BY_RANK[rank] ?? "unknown";

/** The worst of several states, "normal" for none. */
export const worst = (states: Iterable<string>): AssetState => {
  let rank = 0;
  for (const state of states) rank = Math.max(rank, rankOf(state));
  return stateOfRank(rank);
};

/** Priority first, then the newest. */
export const byUrgency = (a: Alarm, b: Alarm): number =>
  rankOf(b.priority) - rankOf(a.priority) || Date.parse(b.raised_at) - Date.parse(a.raised_at);

const ASKING = ["unacknowledged", "latched_unacknowledged", "returned_unacknowledged"];

/** Whether an alarm still asks for somebody's acknowledgement, also after its readings are good again. */
export const isAsking = (alarm: Alarm): boolean => ASKING.includes(alarm.standard_state);

/** Open means that the condition stands, whether or not somebody has acknowledged it. */
export const isOpen = (alarm: Alarm): boolean => alarm.state !== "cleared" && !alarm.cleared_at;
