import type { Alarm } from "./api/types";
import { session } from "./session.svelte";
import { isAsking } from "./states";

/** The alarm that a person is about to acknowledge; one dialog serves all lists. */
class Acknowledgement {
  asking = $state.raw<Alarm | null>(null);

  ask(alarm: Alarm | undefined): void {
    if (alarm && isAsking(alarm) && session.may("alarms.acknowledge", alarm)) this.asking = alarm;
  }
}

export const acknowledgement = new Acknowledgement();
