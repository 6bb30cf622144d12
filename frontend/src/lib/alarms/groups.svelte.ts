import { alarmsApi } from "../api/alarms";
import type { AlarmGroup } from "../api/alarms.types";
import { city } from "../city.svelte";

const AT_MOST_EVERY = 1500;

/** The groups that stand, asked for again soon after alarms changed, however many did. */
class Groups {
  all = $state.raw<Map<string, AlarmGroup>>(new Map());
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchers = 0;
  private stopListening: (() => void) | null = null;

  /** Keep the groups fresh while somebody looks; returns the way to stop. */
  watch(): () => void {
    this.watchers += 1;
    if (this.watchers === 1) {
      void this.load();
      this.stopListening = city.onAlarm(() => this.soon());
    }
    return () => {
      this.watchers -= 1;
      if (this.watchers > 0) return;
      this.stopListening?.();
      clearTimeout(this.timer);
      this.timer = undefined;
    };
  }

  async load(): Promise<void> {
    try {
      const { items } = await alarmsApi.groups();
      this.all = new Map(items.map((group) => [group.id, group]));
    } catch {
      // The list stands without its groups; the next alarm asks again.
    }
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.load();
    }, AT_MOST_EVERY);
  }
}

export const groups = new Groups();
