import type { Alarm } from "../api/types";
import { session } from "../session.svelte";
import { isAsking } from "../states";
import type { Gathered } from "./lines";

/** What a person is about to do with an alarm or a group; one dialog serves list and page. */
export type Act = "acknowledge" | "reset" | "shelve" | "suppress" | "out-of-service" | "back";
export type Target = { alarm: Alarm; group?: undefined } | { group: Gathered; alarm?: undefined };

const PERMISSION: Record<Act, string> = {
  acknowledge: "alarms.acknowledge",
  reset: "alarms.acknowledge",
  shelve: "alarms.shelve",
  suppress: "alarms.suppress",
  "out-of-service": "alarms.suppress",
  back: "alarms.shelve",
};

/** Whether an alarm is in a state in which this makes sense. */
export function fits(act: Act, alarm: Alarm): boolean {
  const open = !alarm.cleared_at;
  switch (act) {
    case "acknowledge":
      return isAsking(alarm);
    case "reset":
      return alarm.standard_state.startsWith("latched");
    case "shelve":
    case "suppress":
    case "out-of-service":
      return open && !alarm.hidden_by;
    case "back":
      return open && !!alarm.hidden_by && (alarm.holds?.length ?? 0) > 0;
  }
}

/** Whether this person may do this to this alarm now. */
export function may(act: Act, alarm: Alarm): boolean {
  const needed = act === "back" && alarm.hidden_by !== "shelved" ? "alarms.suppress" : PERMISSION[act];
  return fits(act, alarm) && session.may(needed, alarm);
}

class Acting {
  act = $state<Act | null>(null);
  target = $state.raw<Target | null>(null);

  /** Ask for what the act needs; false when it does not fit. */
  ask(act: Act, target: Target | undefined): boolean {
    if (!target) return false;
    if (target.group) {
      if (act !== "acknowledge" || target.group.asking === 0 || !session.may("alarms.acknowledge"))
        return false;
    } else if (!may(act, target.alarm)) return false;
    this.target = target;
    this.act = act;
    return true;
  }

  done(): void {
    this.act = this.target = null;
  }
}

export const acting = new Acting();
