import { untrack } from "svelte";

/**
 * What a page reads from the server again and again: when it opens, when the stream tells of a change, by the clock.
 *
 * One request is under way and at most one waits, however many changes there are; the one that waits begins after all
 * of them. Where something else is asked for (another id, another filter) a new reading begins at once, and nothing
 * that an older one brings, its failure neither, is taken.
 */
export class Reading<Answer> {
  private isOpen = false;
  /** What was asked for before the newest beginning, or end, is outdated. */
  private turn = 0;
  /** Until another request may begin; null when one may at once. */
  private resting: Promise<void> | null = null;
  private waiting: Promise<void> | null = null;
  private count = 0;

  /** `restMs` passes after each answer before the next request begins. */
  constructor(
    private readonly ask: () => Promise<Answer>,
    private readonly take: (answer: Answer) => void,
    private readonly fail: (error: unknown) => void,
    private readonly restMs = 0,
  ) {}

  /**
   * Begin with a first reading; nothing is taken after the returned function is called.
   *
   * In an effect: what is looked at while asking does not bring the effect here again; name what should.
   */
  begin = (): (() => void) => {
    void this.anew();
    return () => this.stop();
  };

  /** Take nothing any more. */
  stop(): void {
    this.isOpen = false;
    this.turn += 1;
  }

  /** Read something else than before: what is under way is not taken any more. Over with its answer. */
  anew(): Promise<void> {
    this.isOpen = true;
    this.turn += 1;
    return untrack(() => this.request());
  }

  /** Read again, of something that changed now. Over with the answer to a request that began after this. */
  again = (): Promise<void> => {
    if (!this.isOpen) return Promise.resolve();
    if (!this.resting) return untrack(() => this.request());
    const { turn } = this;
    return (this.waiting ??= this.resting.then(() => {
      if (turn === this.turn) return this.request();
    }));
  };

  /** Whether an answer is awaited. */
  get isUnderWay(): boolean {
    return this.count > 0;
  }

  private request(): Promise<void> {
    const { turn } = this;
    this.waiting = null;
    const answered = this.read(turn);
    const rested = this.restMs > 0 ? answered.then(() => pause(this.restMs)) : answered;
    // Whoever waits begins the next one; in between it is not free for a third.
    this.resting = rested.then(() => {
      if (turn === this.turn && !this.waiting) this.resting = null;
    });
    return answered;
  }

  private async read(turn: number): Promise<void> {
    this.count += 1;
    try {
      const answer = await this.ask();
      if (turn === this.turn) this.take(answer);
    } catch (error) {
      // The next one is on its way, and says how things stand.
      if (turn === this.turn && !this.waiting) this.fail(error);
    } finally {
      this.count -= 1;
    }
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
