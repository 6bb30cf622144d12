import { Reading } from "./reading";
import { errorText } from "./words";

interface Page<Item, Cursor> {
  items: Item[];
  next: Cursor | null;
}

/** A list that comes page by page; an answer to what is no longer asked is dropped. */
export class Pages<Item, Cursor, Answer extends Page<Item, Cursor> = Page<Item, Cursor>> {
  /** What is here so far; null until the first page is. */
  items = $state.raw<Item[] | null>(null);
  next = $state.raw<Cursor | null>(null);
  /** The newest first page with what else it says, such as counts. */
  first = $state.raw<Answer | null>(null);
  failure = $state<string | null>(null);
  /** Steps with each first page: what followed another one is dropped. */
  private turn = 0;
  private fetching = -1;
  private readonly reading = new Reading(
    () => this.ask(undefined),
    (page) => {
      this.turn += 1;
      [this.first, this.items, this.next, this.failure] = [page, page.items, page.next, null];
    },
    (error) => (this.failure = errorText(error)),
  );

  /** `ask` reads the filters as they stand and asks for the first page, or for what follows a cursor. */
  constructor(private readonly ask: (after: Cursor | undefined) => Promise<Answer>) {}

  /** Ask for the first page; what is shown stays until it is here. */
  load(): Promise<void> {
    this.turn += 1;
    return this.reading.anew();
  }

  /** Ask for the first page once more, of the same list. */
  again = (): Promise<void> => this.reading.again();

  /** Whether a first page is awaited. */
  get isUnderWay(): boolean {
    return this.reading.isUnderWay;
  }

  /** Ask for the next page, when there is one; without a line the end of the list asks again. */
  async more(): Promise<void> {
    const turn = this.turn;
    if (this.next === null || this.fetching === turn) return;
    this.fetching = turn;
    const page = await this.ask(this.next).catch(() => null);
    if (turn !== this.turn) return;
    this.fetching = -1;
    if (page) [this.items, this.next] = [[...(this.items ?? []), ...page.items], page.next];
  }

  /** Forget all: another list is asked for. */
  clear(): void {
    this.turn += 1;
    this.reading.stop();
    [this.first, this.items, this.next, this.failure] = [null, null, null, null];
  }
}
