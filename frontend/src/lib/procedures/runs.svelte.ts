import { ApiError } from "../api/client";
import { proceduresApi } from "../api/procedures";
import type { Offer, Run } from "../api/procedures.types";
import { Reading } from "../reading";
import { work } from "../work";
import { procedureError } from "./words";

/** The newer of two views of a run. */
export const newerRun = (known: Run | undefined, coming: Run): Run =>
  known && known.version > coming.version ? known : coming;

/** Runs of an incident that somebody here looks at, kept by the stream, and what may be started for it. */
export class IncidentRuns {
  runs = $state.raw<Run[]>([]);
  offers = $state.raw<Offer[]>([]);
  loaded = $state(false);
  failure = $state<string | null>(null);

  constructor(private readonly incident: string) {}

  private readonly reading = new Reading(
    () => proceduresApi.ofIncident(this.incident),
    ({ items, runs }) => {
      this.offers = items;
      // What the stream brought while this answer was on its way is newer, or not in it yet.
      for (const run of runs) this.put(run);
      this.loaded = true;
      this.failure = null;
    },
    (error) => {
      // Of an incident that is not there, or not this person's to see, the page around this says so.
      if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return;
      this.failure = procedureError(error);
    },
  );

  /** Follow until the returned function is called. */
  watch(): () => void {
    const stops = [
      this.reading.begin(),
      work.on<Run>("procedure-run", ({ data }) => {
        if (data.incident.id === this.incident || this.runs.some(({ id }) => id === data.id)) this.put(data);
      }),
      work.onGap(this.load),
    ];
    return () => stops.forEach((stop) => stop());
  }

  load = (): Promise<void> => this.reading.again();

  put(coming: Run): Run {
    const run = newerRun(
      this.runs.find(({ id }) => id === coming.id),
      coming,
    );
    const others = this.runs.filter(({ id }) => id !== run.id);
    this.runs = [...others, run].sort((one, other) => Number(other.id) - Number(one.id));
    return run;
  }

  get running(): Run[] {
    return this.runs.filter(({ state }) => state === "running");
  }
  get over(): Run[] {
    return this.runs.filter(({ state }) => state !== "running");
  }
}
