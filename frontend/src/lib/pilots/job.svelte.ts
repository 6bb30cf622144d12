import { pilots } from "../api/pilots";
import { jobText, refusalText } from "./refusals";

/** Long work on the server, followed until it ends. One at a time; `stop` when nobody looks any more. */
export class Running<Result> {
  busy = $state(false);
  done = $state(0);
  of = $state(0);
  stage = $state<"reading" | "computing" | "writing" | null>(null);
  failure = $state<string | null>(null);
  private turn = 0;

  /** Start work, or follow the one that runs already; calls `then` with what came out. */
  async follow(start: () => Promise<{ job: string }>, then: (result: Result | null) => void): Promise<void> {
    const turn = ++this.turn;
    this.busy = true;
    this.failure = null;
    this.done = this.of = 0;
    this.stage = null;
    try {
      const { job } = await start();
      for (;;) {
        const seen = await pilots.job<Result>(job);
        if (turn !== this.turn) return;
        ({ done: this.done, of: this.of, stage: this.stage } = seen);
        if (seen.state === "done") return then(seen.result);
        if (seen.state === "failed") {
          this.failure = jobText(seen.error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
    } catch (error) {
      if (turn === this.turn) this.failure = refusalText(error);
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  stop(): void {
    this.turn += 1;
    this.busy = false;
  }
}
