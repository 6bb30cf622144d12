/** One opening of a dialog, as long as it is the newest one and not closed. */
export interface Opening {
  readonly stands: boolean;
  /** Close the dialog if this opening stands; whether it did. */
  close(): boolean;
}

/**
 * The openings of a dialog, one after the other.
 *
 * What was sent from one may be answered when it is closed, or when the dialog was opened for something else: such an
 * answer closes nothing, and shows nothing in the newer one.
 */
export class Openings {
  private newest = 0;

  constructor(private readonly shut: () => void) {}

  /** Another opening begins, or the last one is over: those before stand no longer. */
  turn(): void {
    this.newest += 1;
  }

  /** The opening that stands now. */
  get now(): Opening {
    const mine = this.newest;
    const stands = () => mine === this.newest;
    const close = () => {
      if (!stands()) return false;
      this.shut();
      return true;
    };
    return {
      get stands() {
        return stands();
      },
      close,
    };
  }
}
