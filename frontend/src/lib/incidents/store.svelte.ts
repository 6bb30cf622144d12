import { ApiError } from "../api/client";
import { incidentsApi } from "../api/incidents";
import type { Entry, Incident, IncidentType, Presence } from "../api/incidents.types";
import { Meanwhile } from "../meanwhile";
import { session } from "../session.svelte";
import { work } from "../work";
import { errorText } from "../words";

const PRESENT_MS = 40_000;
const SAY_EVERY_MS = 15_000;

/** Lines of both, each once, the newest first. */
export function mergeEntries(one: Entry[], other: Entry[]): Entry[] {
  const known = new Map([...other, ...one].map((entry) => [entry.id, entry]));
  return [...known.values()].sort((a, b) => Number(b.id) - Number(a.id));
}

/** The newer of two views of an incident, with the lines of both. */
export function newer(known: Incident | undefined, coming: Incident): Incident {
  if (!known) return coming;
  const entries = mergeEntries(known.entries ?? [], coming.entries ?? []);
  const lastOf = (incident: Incident) => Number(incident.entries?.[0]?.id ?? 0);
  const isOlder =
    coming.version < known.version ||
    (coming.version === known.version && lastOf(coming) > 0 && lastOf(coming) < lastOf(known));
  return { ...(isOlder ? known : coming), entries };
}

/** Running incidents, and those that somebody here looks at; kept by the stream, so that every desk sees the same. */
class Incidents {
  all = $state.raw<Map<string, Incident>>(new Map());
  types = $state.raw<IncidentType[]>([]);
  loaded = $state(false);
  /** Incidents whose timeline was asked for: whether its newest lines are here, or why not. */
  private timelines = $state.raw<Map<string, "read" | { failure: string }>>(new Map());
  failure = $state<string | null>(null);
  private attended = new Set<string>();
  private told = new Meanwhile<Incident>();
  private present = $state.raw<Map<string, Map<string, { name: string; until: number }>>>(new Map());

  /** Follow the incidents until the returned function is called. */
  start(): () => void {
    if (!session.may("incidents.read")) return () => {};
    void this.load();
    const stops = [
      work.on<Incident>("incident", (event) => (this.told.hear(event.data), this.put(event.data))),
      work.onGap(() => void this.load()),
      work.onPresence((event) => event.topic === "incident" && this.saw(event.subject, event.data)),
    ];
    const sweeping = setInterval(() => this.sweep(), 5000);
    return () => {
      for (const stop of stops) stop();
      clearInterval(sweeping);
      this.all = new Map();
      this.timelines = new Map();
      this.loaded = false;
    };
  }

  async load(): Promise<void> {
    const wasLoaded = this.loaded;
    let unsure: Incident[] = [];
    try {
      await this.told.reading(
        () => Promise.all([incidentsApi.list({ state: "open", limit: 500 }), this.readTypes()]),
        ([page, types], told) => {
          const next = new Map<string, Incident>();
          // Ended ones that a page shows stay; running ones that are no longer listed have ended.
          for (const [id, known] of this.all) if (!isRunning(known)) next.set(id, known);
          for (const one of [...page.items, ...told])
            next.set(one.id, newer(next.get(one.id) ?? this.all.get(one.id), one));
          unsure = [...this.all.values()].filter((known) => !next.has(known.id));
          this.all = next;
          this.types = types;
        },
      );
      this.loaded = true;
      this.failure = null;
      // What the stream did not bring while it was cut is missing in the timelines that somebody looks at.
      const looked = wasLoaded ? this.attended : [];
      const again = new Set([...unsure.map((known) => known.id), ...looked]);
      await Promise.all(
        [...again].map((id) => this.read(id).catch((error: unknown) => this.lose(id, error))),
      );
    } catch (error) {
      this.failure = errorText(error);
    }
  }

  private async readTypes(): Promise<IncidentType[]> {
    return this.types.length > 0 ? this.types : (await incidentsApi.types()).items;
  }

  put(coming: Incident): Incident {
    const incident = newer(this.all.get(coming.id), coming);
    this.all = new Map(this.all).set(incident.id, incident);
    return incident;
  }

  /** One incident with its newest lines; throws what the server says. */
  async read(id: string): Promise<Incident> {
    try {
      const incident = this.put(await incidentsApi.one(id));
      this.timelines = new Map(this.timelines).set(id, "read");
      return incident;
    } catch (error) {
      // What is here stays; only who has nothing yet hears of it.
      if (!this.hasRead(id)) {
        this.timelines = new Map(this.timelines).set(id, { failure: errorText(error) });
      }
      throw error;
    }
  }

  /** Forget an incident that this person may see no more; every other failure stays one. */
  private lose(id: string, error: unknown): void {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const rest = new Map(this.all);
    rest.delete(id);
    this.all = rest;
  }

  hasRead(id: string): boolean {
    return this.timelines.get(id) === "read";
  }

  /** Why the timeline of an incident is not here; null while it is on its way. */
  unread(id: string): string | null {
    const found = this.timelines.get(id);
    return found && found !== "read" ? found.failure : null;
  }

  get running(): Incident[] {
    return [...this.all.values()].filter(isRunning);
  }

  type(code: string): IncidentType | undefined {
    return this.types.find((type) => type.code === code);
  }

  /** Which running incident has an alarm, by itself or with its group. */
  holding(alarm: { id: string; group?: string | null }): Incident | undefined {
    const has = (kind: string, target: string) =>
      this.running.find((incident) =>
        incident.links.some((link) => link.kind === kind && link.target === target),
      );
    return has("alarm", alarm.id) ?? (alarm.group ? has("alarm-group", alarm.group) : undefined);
  }

  private saw(id: string, { login, name, here }: Presence): void {
    if (login === session.current?.account.login) return;
    const there = new Map(this.present.get(id));
    if (here) there.set(login, { name, until: Date.now() + PRESENT_MS });
    else there.delete(login);
    this.present = new Map(this.present).set(id, there);
  }

  private sweep(): void {
    const now = Date.now();
    const gone = [...this.present.values()].some((there) =>
      [...there.values()].some((one) => one.until < now),
    );
    if (!gone) return;
    this.present = new Map(
      [...this.present].map(([id, there]) => [id, new Map([...there].filter(([, one]) => one.until >= now))]),
    );
  }

  /** Names of colleagues who have an incident open now. */
  watching(id: string): string[] {
    return [...(this.present.get(id)?.values() ?? [])].map((one) => one.name);
  }

  /** Say that this person has an incident open, until the returned function is called. */
  attend(id: string): () => void {
    const say = (here: boolean) => void incidentsApi.presence(id, here).catch(() => {});
    say(true);
    this.attended.add(id);
    const timer = setInterval(() => document.visibilityState === "visible" && say(true), SAY_EVERY_MS);
    return () => (clearInterval(timer), this.attended.delete(id), say(false));
  }
}

export const isRunning = (incident: Incident): boolean =>
  incident.state === "open" || incident.state === "contained";

/** Whether a change was refused because somebody else was quicker. */
export const wasChanged = (error: unknown): boolean => error instanceof ApiError && error.status === 412;

export const incidents = new Incidents();
