import { ApiError } from "../api/client";
import type { Opening } from "../opening";
import { dutyError } from "./words";

/** What a dialog of duty does when something is saved: one thing at a time, and the reason when it is refused. */
export class Saving {
  busy = $state(false);
  failure = $state<string | null>(null);

  /** `changed`: what stands may be another now; `opening`: of the dialog, which is closed when it is done. */
  constructor(
    private readonly changed: () => void,
    private readonly opening: () => Opening | undefined,
  ) {}

  async run(action: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = null;
    const opening = this.opening();
    try {
      await action();
      this.changed();
      opening?.close();
    } catch (error) {
      if (opening?.stands) this.failure = dutyError(error);
      // Somebody else was quicker: what stands now is read again behind the dialog.
      if (error instanceof ApiError && error.status === 412) this.changed();
    } finally {
      this.busy = false;
    }
  }
}
