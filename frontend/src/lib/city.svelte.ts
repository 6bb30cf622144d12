import { readAssets, type AssetList } from "./api/assetlist";
import { newer } from "./alarms/answers";
import { api } from "./api/client";
import type { Alarm, AlarmEvent, AssetState, AssetSummary, ChangesEvent, FeedItem } from "./api/types";
import { vitalsApi, type Vital } from "./api/vitals";
import { assetName } from "./i18n/index.svelte";
import { fold } from "./i18n/transliterate";
import { session } from "./session.svelte";
import { Meanwhile } from "./meanwhile";
import { isOpen } from "./states";
import { Stream, type ServerEvent, type StreamState } from "./stream";
import { errorText } from "./words";
import { work, type PresenceEvent, type WorkEvent } from "./work";

const FEED_LENGTH = 60;
const REST_AFTER_MS = 60_000;
/** A page waits so long for its stream; then it reads its lists without, and once more when the stream is there. */
const JOIN_WITHIN_MS = 1500;
type AssetListener = (asset: AssetSummary, stateChanged: boolean) => void;

const FOLD_SLICE = 2_000;
const OF_ASSETS = ["changes", "state", "gone"];

/**
 * The living picture of the city: assets, open alarms, feed and vital signs, kept by the stream.
 *
 * Assets are plain objects in a map; `revision` steps at most four times a second so that ten thousand
 * of them cost no reactive bookkeeping. The map listens to single assets instead.
 */
export class City {
  assets = new Map<string, AssetSummary>();
  /** Folded names, made once: search over ten thousand must follow the keys. */
  private folded = new Map<string, string>();
  revision = $state(0);
  /** Steps when the set of assets is another one, not when their values change. */
  listing = $state(0);
  loaded = $state(false);
  failure = $state<string | null>(null);
  alarms = $state.raw<Map<string, Alarm>>(new Map());
  feed = $state.raw<FeedItem[]>([]);
  /** Those of the strip first, then the others of the page. */
  vitals = $state.raw<Vital[]>([]);
  vitalsKnown = $state(false);
  stream = $state<StreamState>("connecting");
  heardAt = $state<string | null>(null);

  private connection: Stream | null = null;
  private listeners = new Set<AssetListener>();
  private alarmListeners = new Set<(event: AlarmEvent) => void>();
  private revisionTimer: ReturnType<typeof setTimeout> | undefined;
  private foldTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private vitalsTimer: ReturnType<typeof setInterval> | undefined;

  /**
   * Whether lists may be read: from now on the stream tells what changes, or it does not answer and everything is read
   * again when it does. What is read before would miss what happens until the stream is there.
   */
  joined = $state(false);
  /** The stream may have missed something: lists are read anew when it is live. */
  private isBehind = false;
  private answered: () => void = () => {};

  /** The number of the newest start: one that was stopped, or begun again, meanwhile reads nothing. */
  private newestStart = 0;

  async start(): Promise<void> {
    const number = ++this.newestStart;
    this.isBehind = this.joined;
    const joining = new Promise<void>((resolve) => (this.answered = resolve));
    const patience = setTimeout(this.answered, JOIN_WITHIN_MS);
    this.connect();
    if (!this.joined) await joining;
    clearTimeout(patience);
    if (number !== this.newestStart) return;
    if (this.stream !== "live") this.isBehind = true;
    this.joined = true;
    // Vital signs take their time in a large city: what is live does not wait for them.
    // One reading at a time: a browser has six lines to a server, and unanswered ones would come to hold them all.
    let isReading = false;
    const readVitals = () => {
      if (isReading) return;
      isReading = true;
      this.loadVitals()
        .catch(() => {})
        .finally(() => (isReading = false));
    };
    this.vitalsTimer = setInterval(readVitals, 15_000);
    readVitals();
    await this.readFirst(number);
  }

  private async readFirst(number: number): Promise<void> {
    try {
      await Promise.all([this.loadAssets(), this.loadAlarms(), this.loadFeed()]);
      if (number !== this.newestStart) return;
      this.loaded = true;
      this.failure = null;
    } catch (error) {
      if (number !== this.newestStart) return;
      this.failure = errorText(error);
      this.retryTimer = setTimeout(() => void this.readFirst(number), 4000);
    }
  }

  stop(): void {
    this.newestStart += 1;
    this.connection?.stop();
    this.connection = null;
    clearTimeout(this.restTimer);
    document.removeEventListener("visibilitychange", this.visibilityChanged);
    window.removeEventListener("offline", this.networkChanged);
    window.removeEventListener("online", this.networkChanged);
    clearTimeout(this.retryTimer);
    clearTimeout(this.reloadTimer);
    clearTimeout(this.foldTimer);
    this.reloadTimer = undefined;
    clearInterval(this.vitalsTimer);
    this.loaded = false;
    this.failure = null;
  }

  private toldOfAssets = new Meanwhile<ServerEvent>();
  private toldOfAlarms = new Meanwhile<Alarm>();
  private toldOfFeed = new Meanwhile<FeedItem>();

  private async loadAssets(): Promise<void> {
    await this.toldOfAssets.reading(readAssets, (list: AssetList, told) => {
      this.replaceAssets(list.assets);
      for (const event of told) if (Number(event.id) >= list.position) this.take(event);
    });
  }

  replaceAssets(assets: Map<string, AssetSummary>): void {
    this.assets = assets;
    this.folded = new Map();
    this.foldAhead();
    this.revision += 1;
    this.listing += 1;
  }

  /** Fold names before somebody searches, a slice at a time: all of a large city at once are felt. */
  private foldAhead(): void {
    clearTimeout(this.foldTimer);
    const rest = this.assets.keys();
    const slice = () => {
      for (let count = 0; count < FOLD_SLICE; count++) {
        const next = rest.next();
        if (next.done) return;
        this.foldedName(next.value);
      }
      this.foldTimer = setTimeout(slice, 0);
    };
    this.foldTimer = setTimeout(slice, 0);
  }

  /** Deleted assets leave every list and the map at once; a page that shows one of them is told. */
  private removeAssets(ids: string[]): void {
    const gone = ids.map((id) => this.assets.get(id)).filter((asset) => asset !== undefined);
    if (gone.length === 0) return;
    for (const { id } of gone) {
      this.assets.delete(id);
      this.folded.delete(id);
    }
    this.listing += 1;
    for (const asset of gone) this.told(asset, true);
  }

  foldedName(id: string): string {
    const known = this.folded.get(id);
    if (known !== undefined) return known;
    const asset = this.assets.get(id);
    if (!asset) return "";
    const folded = fold(`${asset.name} ${asset.name_en ?? ""} ${id.split(":").at(-1)}`);
    this.folded.set(id, folded);
    return folded;
  }

  /** The name of an asset that something stored bears by the Serbian name it had then; of what is no asset that one. */
  nameOf(id: string | null | undefined, stored: string | null | undefined): string {
    void this.listing; // names are there once the list is
    const name_en = this.assets.get(id ?? "")?.name_en ?? null;
    return assetName({ name: stored ?? "", name_en });
  }

  /** Be told of every change of an asset; returns the way to stop. */
  onAsset(listener: AssetListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onAlarm(listener: (event: AlarmEvent) => void): () => void {
    this.alarmListeners.add(listener);
    return () => this.alarmListeners.delete(listener);
  }

  get openAlarms(): Alarm[] {
    return [...this.alarms.values()].filter(isOpen);
  }

  /** Open alarms without those of an exercise: what figures of the city count. */
  get realAlarms(): Alarm[] {
    return this.openAlarms.filter((alarm) => alarm.origin !== "exercise");
  }

  /** Take an alarm as the server says it stands, in the stream or an answer; an older one than is known changes nothing. */
  putAlarm(alarm: Alarm): void {
    const known = this.alarms.get(alarm.id);
    if (known && known.version > alarm.version) return;
    this.alarms = new Map(this.alarms).set(alarm.id, alarm);
  }

  /** The stream does not tell who put an alarm aside; what an answer said of it stands as long as that lasts. */
  private hearAlarm(alarm: Alarm): void {
    this.toldOfAlarms.hear(alarm);
    const known = this.alarms.get(alarm.id);
    const holds = alarm.holds ?? (known?.hidden_by === alarm.hidden_by ? known?.holds : undefined);
    this.putAlarm(holds ? { ...alarm, holds } : alarm);
  }

  apply(event: ServerEvent): void {
    if (OF_ASSETS.includes(event.name)) this.toldOfAssets.hear(event);
    this.take(event);
  }

  private take(event: ServerEvent): void {
    const data: unknown = JSON.parse(event.data);
    switch (event.name) {
      case "changes":
        for (const change of (data as ChangesEvent).changes)
          this.applyChange(change, (data as ChangesEvent).recorded_at);
        break;
      case "state":
        this.setState((data as { id: string }).id, (data as { state: AssetState }).state);
        break;
      case "gone":
        this.removeAssets((data as { ids: string[] }).ids);
        break;
      case "alarm":
        this.hearAlarm((data as AlarmEvent).alarm);
        for (const listener of this.alarmListeners) listener(data as AlarmEvent);
        break;
      case "feed":
        this.addToFeed(data as FeedItem);
        break;
      case "work":
        work.tell(data as WorkEvent);
        break;
      case "presence":
        work.tellPresence(data as PresenceEvent);
        break;
      case "reset":
        // We fell too far behind for the stream to tell us everything, or may see other things: read the city anew.
        void session.renew();
        void this.refresh();
        break;
    }
  }

  private applyChange(change: ChangesEvent["changes"][number], recordedAt: string): void {
    const asset = this.assets.get(change.id);
    if (!asset) return this.loadSoon();
    const stateChanged = !!change.state && change.state !== asset.state;
    if (change.state) asset.state = change.state;
    asset.observed_at = change.observed_at ?? asset.observed_at;
    asset.recorded_at = recordedAt;
    const headline = asset.headline;
    const value = headline ? change.attributes[headline.attribute] : undefined;
    if (headline && value !== undefined) headline.value = value;
    this.told(asset, stateChanged);
  }

  private setState(id: string, state: AssetState): void {
    const asset = this.assets.get(id);
    if (!asset || asset.state === state) return;
    asset.state = state;
    this.told(asset, true);
  }

  private told(asset: AssetSummary, stateChanged: boolean): void {
    for (const listener of this.listeners) listener(asset, stateChanged);
    this.revisionTimer ??= setTimeout(() => {
      this.revisionTimer = undefined;
      this.revision += 1;
    }, 250);
  }

  private addToFeed(item: FeedItem): void {
    this.toldOfFeed.hear(item);
    if (this.feed.some((known) => known.id === item.id)) return;
    this.feed = [item, ...this.feed].slice(0, FEED_LENGTH);
  }

  private reloadTimer: ReturnType<typeof setTimeout> | undefined;
  private reloadedAt = -Infinity;

  /** An asset that we have never seen: fetch the list again, soon, but at most every five seconds. */
  private loadSoon(): void {
    const wait = Math.max(250, this.reloadedAt + 5000 - performance.now());
    this.reloadTimer ??= setTimeout(() => {
      this.reloadTimer = undefined;
      this.reloadedAt = performance.now();
      this.loadAssets().catch(() => this.loaded && this.loadSoon());
    }, wait);
  }

  private async loadAlarms(): Promise<void> {
    await this.toldOfAlarms.reading(
      () => api.alarms("open"),
      ({ items }, told) => this.setAlarms(items, told),
    );
  }

  private setAlarms(listed: Alarm[], told: readonly Alarm[]): void {
    const known = this.alarms;
    this.alarms = new Map(listed.map((alarm) => [alarm.id, newer(alarm, known.get(alarm.id))]));
    for (const alarm of told) this.hearAlarm(alarm);
  }

  private async loadFeed(): Promise<void> {
    await this.toldOfFeed.reading(
      () => api.feed(FEED_LENGTH),
      ({ items }, told) => {
        this.feed = items;
        for (const item of told) this.addToFeed(item);
      },
    );
  }

  /** Read the vital signs again, also when somebody has changed them here. */
  async loadVitals(): Promise<void> {
    this.vitals = await vitalsApi.now();
    this.vitalsKnown = true;
  }

  private connect(): void {
    this.connection?.stop();
    this.stream = "connecting";
    this.connection = new Stream({
      url: "/api/console/stream",
      lastEventId: null,
      onEvent: (event) => this.apply(event),
      onState: (state) => {
        this.stream = state;
        if (state === "cut") this.isBehind = true;
        if (state !== "connecting") this.answered();
        if (state !== "live" || !this.isBehind) return;
        // Alarms and states may have changed while the line was not there, beyond what the stream replays.
        this.isBehind = false;
        void this.refresh();
      },
      onHeard: () => (this.heardAt = new Date().toISOString()),
      onRefused: (status) => {
        if (status === 401) void api.alarms("open", 1).catch(() => {});
      },
    });
    if (document.hidden) this.rest();
    void this.connection.run();
    document.addEventListener("visibilitychange", this.visibilityChanged);
    window.addEventListener("offline", this.networkChanged);
    window.addEventListener("online", this.networkChanged);
  }

  private networkChanged = () => this.connection?.retry();

  private restTimer: ReturnType<typeof setTimeout> | undefined;

  private visibilityChanged = () => {
    clearTimeout(this.restTimer);
    if (document.hidden) this.restTimer = setTimeout(() => this.rest(), REST_AFTER_MS);
    else this.connection?.rise();
  };

  private rest(): void {
    this.isBehind = true;
    this.answered();
    this.connection?.rest();
  }

  private async refresh(): Promise<void> {
    work.readAnew();
    try {
      await Promise.all([this.loadAssets(), this.loadAlarms(), this.loadFeed(), this.loadVitals()]);
    } catch {
      // The stream will be cut again if the server is not well; the next return refreshes.
    }
  }
}

export const city = new City();
