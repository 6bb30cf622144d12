import { ApiError } from "../api/client";
import { requestsApi, type CitizenRequest, type Standing } from "../api/requests";
import { session } from "../session.svelte";
import { Meanwhile } from "../meanwhile";
import { errorText } from "../words";
import { work } from "../work";

const PAUSE_MS = 150;
const FEW = 5;

export const isOpen = (request: CitizenRequest): boolean =>
  request.state === "new" || request.state === "in_work";

/** Requests that are open, kept by the live stream: it says that one changed, its words are asked for. */
class Requests {
  all = $state.raw<Map<string, CitizenRequest>>(new Map());
  loaded = $state(false);
  failure = $state<string | null>(null);
  private waiting = new Set<string>();
  private told = new Meanwhile<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private listeners = new Set<(id: string) => void>();

  /** Follow the requests until the returned function is called. */
  start(): () => void {
    if (!session.may("requests.read")) return () => {};
    void this.load();
    const stops = [
      // Without a standing it is out of this person's reach now.
      work.on<Standing | null>("request", ({ subject, data }) =>
        data ? this.heard(data) : this.remove(subject),
      ),
      work.onGap(() => void this.load()),
    ];
    return () => {
      for (const stop of stops) stop();
      clearTimeout(this.timer);
      this.timer = undefined;
      this.waiting.clear();
      this.all = new Map();
      this.loaded = false;
    };
  }

  async load(): Promise<void> {
    try {
      await this.told.reading(
        () => requestsApi.list({ state: "open", limit: 500 }),
        ({ items }, told) => {
          this.all = new Map(items.map((request) => [request.id, this.newer(request)]));
          for (const id of told) this.askSoon(id);
        },
      );
      this.loaded = true;
      this.failure = null;
    } catch (error) {
      this.failure = errorText(error);
    }
  }

  get open(): CitizenRequest[] {
    return [...this.all.values()].filter(isOpen);
  }

  put(request: CitizenRequest): CitizenRequest {
    const kept = this.newer(request);
    this.all = new Map(this.all).set(kept.id, kept);
    return kept;
  }

  /** Be told of each request that is another than before; returns the way to stop. */
  onChange(listener: (id: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private newer(coming: CitizenRequest): CitizenRequest {
    const known = this.all.get(coming.id);
    return known && known.version > coming.version ? known : coming;
  }

  private heard({ id, state, version }: Standing): void {
    if (state === "gone") return this.remove(id);
    const known = this.all.get(id);
    if (known && known.version > version) return;
    this.told.hear(id);
    this.askSoon(id);
  }

  private askSoon(id: string): void {
    this.waiting.add(id);
    this.timer ??= setTimeout(() => void this.ask(), PAUSE_MS);
  }

  private remove(id: string): void {
    const next = new Map(this.all);
    if (next.delete(id)) this.all = next;
    for (const listener of this.listeners) listener(id);
  }

  /** Ask for what changed: one by one while they are few, the whole list in a flood. */
  private async ask(): Promise<void> {
    const ids = [...this.waiting];
    this.waiting.clear();
    this.timer = undefined;
    if (ids.length > FEW) await this.load();
    else await Promise.all(ids.map((id) => this.read(id)));
    for (const id of ids) for (const listener of this.listeners) listener(id);
  }

  private async read(id: string): Promise<void> {
    try {
      this.put(await requestsApi.one(id));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.remove(id);
    }
  }
}

export const requests = new Requests();
