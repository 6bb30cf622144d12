import { alarmsApi } from "../api/alarms";
import type { AlarmGroup } from "../api/alarms.types";
import { city } from "../city.svelte";
import { Reading } from "../reading";
import { work } from "../work";

const AT_MOST_EVERY = 1500;

/** The groups that stand, asked for again soon after alarms changed, however many did. */
class Groups {
  all = $state.raw<Map<string, AlarmGroup>>(new Map());
  private watchers = 0;
  private stops: (() => void)[] = [];
  private readonly reading = new Reading(
    () => alarmsApi.groups(),
    ({ items }) => (this.all = new Map(items.map((group) => [group.id, group]))),
    () => {
      // The list stands without its groups; the next alarm asks again.
    },
    AT_MOST_EVERY,
  );

  /** Keep the groups fresh while somebody looks; returns the way to stop. */
  watch(): () => void {
    this.watchers += 1;
    if (this.watchers === 1)
      this.stops = [this.reading.begin(), city.onAlarm(this.load), work.onGap(this.load)];
    return () => {
      this.watchers -= 1;
      if (this.watchers === 0) for (const stop of this.stops) stop();
    };
  }

  load = (): Promise<void> => this.reading.again();
}

export const groups = new Groups();
