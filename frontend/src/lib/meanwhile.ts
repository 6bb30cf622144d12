/**
 * What the stream tells while a list is read.
 *
 * The list may be from before it, and would put what is older over what is newer: so the list is taken first, and
 * what was told since its reading began is taken again.
 */
export class Meanwhile<Told> {
  private readings = 0;
  private told: Told[] = [];
  private begun = 0;
  private newestTaken = 0;

  hear(one: Told): void {
    if (this.readings > 0) this.told.push(one);
  }

  /** Read a list; `take` gets it with what was told meanwhile. Throws what `read` throws. */
  async reading<List>(
    read: () => Promise<List>,
    take: (list: List, told: readonly Told[]) => void,
  ): Promise<void> {
    const from = this.told.length;
    const number = ++this.begun;
    this.readings += 1;
    try {
      const list = await read();
      if (number < this.newestTaken) return;
      this.newestTaken = number;
      take(list, this.told.slice(from));
    } finally {
      this.readings -= 1;
      if (this.readings === 0) this.told = [];
    }
  }
}
