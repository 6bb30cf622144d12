import "maplibre-gl/dist/maplibre-gl.css";
import * as maplibre from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Incident } from "../api/incidents.types";
import type { AssetSummary, Basemap, Place } from "../api/types";
import { isStale } from "../time";
import { crewFeatures, type CrewMark } from "./crews";
import { featureOf, glyphName, type AssetFeature } from "./clusters";
import { GLYPH_PIXEL_RATIO, paintGlyph } from "./glyphs";
import { incidentFeatures } from "./incidents";
import type { CitizenRequest } from "../api/requests";
import { requestFeatures } from "./requests";
import { readPalette } from "./palette";
import { EMPTY, labelField, layers, styleOf } from "./style";
import { rankOf } from "../states";

maplibre.setWorkerUrl(workerUrl);

export interface View {
  centre: Place;
  zoom: number;
}

export interface CityMapOptions {
  container: HTMLElement;
  basemap: Basemap | null;
  view: View;
  cyrillic: boolean;
  label: string;
  onSelect: (id: string | null) => void;
  onIncident?: (id: string) => void;
  onRequest?: (id: string) => void;
  onCrew?: (id: number) => void;
  onMove: (view: View) => void;
}

const FLUSH_MS = 150;
const FADE_SLICE = 2_000;
const BUILD_SLICE = 2_000;
const SEND_SLICE = 8_000;

/** All that the source knows of an asset; its rank follows from the picture. */
const keyOf = ({ geometry, properties }: AssetFeature): string =>
  `${properties.glyph} ${geometry.coordinates.join(" ")}`;

/** Keys, pointer and frames have their turn before what comes next. */
const answerOthers = () => new Promise<void>((resume) => setTimeout(resume, 0));

/** The map of the city: streets from our own file, assets as glyphs, states kept current by small diffs. */
export class CityMap {
  readonly map: maplibre.Map;
  private palette = readPalette();
  private painted = new Set<string>();
  /** What the source was told of each asset, and assets of which it has yet to hear. */
  private sent = new Map<string, string>();
  private unsent = new Map<string, AssetSummary>();
  /** Of the unsent those that are ready to be handed over with the next slice. */
  private built = new Map<string, AssetFeature>();
  private isSending = false;
  private stale = new Set<string>();
  private changed = new Map<string, AssetSummary>();
  /** Assets that are to leave the source with the next flush. */
  private leaving = new Set<string>();
  private flushTimer: ReturnType<typeof setTimeout> | undefined;
  private fadeTimer: ReturnType<typeof setTimeout> | undefined;
  private whenReady: (() => void)[] = [];
  private ready = false;
  private isGone = false;

  /** Fonts must be there before the first label is drawn: the map draws its letters from them itself. */
  static async create(options: CityMapOptions): Promise<CityMap> {
    await Promise.all(
      ["Ђшна", "Đšžć", "Street"].map((text) => document.fonts.load('24px "Inter Variable"', text)),
    ).catch(() => []);
    return new CityMap(options);
  }

  private constructor(private readonly options: CityMapOptions) {
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map = new maplibre.Map({
      container: options.container,
      style: styleOf(options.basemap, this.palette, options.cyrillic),
      center: options.view.centre,
      zoom: options.view.zoom,
      minZoom: 8,
      maxZoom: 19.5,
      attributionControl: false,
      // The wall enlarges everything; its map is drawn as finely as its screen is.
      pixelRatio: devicePixelRatio * (options.container.currentCSSZoom ?? 1),
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: reduced ? 0 : 120,
      locale: { "Map.Title": options.label },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.setMissingStyleImageResolver((name) => this.paint(name));
    // Not "load": that waits until every tile is drawn, and the assets should not.
    this.map.once("style.load", () => {
      this.ready = true;
      for (const action of this.whenReady.splice(0)) action();
    });
    this.map.on("moveend", () => options.onMove(this.view));
    this.bindPointer();
  }

  get view(): View {
    const centre = this.map.getCenter();
    return { centre: [centre.lng, centre.lat], zoom: this.map.getZoom() };
  }

  /** Show these assets; the layers that a person switches off are simply not among them. */
  show(assets: AssetSummary[]): void {
    if (!this.ready) return void this.whenReady.push(() => this.show(assets));
    const unsent = new Map<string, AssetSummary>();
    for (const asset of assets) if (asset.place) unsent.set(asset.id, asset);
    const gone = [...this.sent.keys()].filter((id) => !unsent.has(id));
    for (const id of gone) {
      this.sent.delete(id);
      this.changed.delete(id);
    }
    this.unsent = unsent;
    this.built.clear();
    for (const id of unsent.keys()) this.leaving.delete(id);
    if (gone.length > 0) void this.source("assets").updateData({ remove: gone });
    void this.send(assets);
  }

  /**
   * Tell the source what it has not heard: the difference only, and of a large city a slice at a time. Making 50,000
   * features, or handing them over at once, keeps the page from answering for a third of a second.
   */
  private async send(assets: AssetSummary[]): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    try {
      while (this.unsent.size > 0) {
        while (this.unsent.size > 0 && this.built.size < SEND_SLICE) {
          this.build();
          await answerOthers();
          if (this.isGone) return;
        }
        const add = [...this.built.values()];
        for (const feature of add) this.sent.set(feature.properties.id, keyOf(feature));
        this.built.clear();
        if (add.length > 0) await this.source("assets").updateData({ add });
        if (this.isGone) return;
      }
    } finally {
      this.isSending = false;
    }
    this.fade(assets);
  }

  /** Make the features of the next assets of which the source has not heard as they are. */
  private build(): void {
    let looked = 0;
    for (const [id, asset] of this.unsent) {
      if (looked++ === BUILD_SLICE) return;
      this.unsent.delete(id);
      const feature = featureOf(asset);
      if (feature && this.sent.get(id) !== keyOf(feature)) this.built.set(id, feature);
    }
  }

  /** Show incidents above the assets, one of them as chosen. */
  showIncidents(incidents: Incident[], chosen: string | null): void {
    if (!this.ready) return void this.whenReady.push(() => this.showIncidents(incidents, chosen));
    const { places, areas } = incidentFeatures(incidents, chosen);
    this.source("incidents").setData(places);
    this.source("incident-areas").setData(areas);
  }

  /** Show citizens' requests between the assets and the incidents, one of them as chosen. */
  showRequests(requests: CitizenRequest[], chosen: string | null): void {
    if (!this.ready) return void this.whenReady.push(() => this.showRequests(requests, chosen));
    this.source("requests").setData(requestFeatures(requests, chosen));
  }

  /** Show where crews on duty are, above everything else, one of them as chosen. */
  showCrews(crews: CrewMark[], chosen: number | null): void {
    if (!this.ready) return void this.whenReady.push(() => this.showCrews(crews, chosen));
    this.source("crews").setData(crewFeatures(crews, chosen));
  }

  /** One asset has another state, or with it came or went from the layers that are on: sent with others of the moment. */
  update(asset: AssetSummary, isShown: boolean): void {
    const wasBuilt = this.built.delete(asset.id);
    const isKnown = wasBuilt || this.unsent.has(asset.id) || this.sent.has(asset.id);
    const feature = isShown ? featureOf(asset) : null;
    if (!feature) {
      if (!isKnown) return;
      this.unsent.delete(asset.id);
      this.sent.delete(asset.id);
      this.changed.delete(asset.id);
      this.leaving.add(asset.id);
    } else if (wasBuilt || !this.sent.has(asset.id)) {
      this.leaving.delete(asset.id);
      this.unsent.set(asset.id, asset);
      if (!isKnown && this.ready) void this.send([asset]);
      return;
    } else {
      this.sent.set(asset.id, keyOf(feature));
      this.changed.set(asset.id, asset);
    }
    this.flushTimer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    this.flushTimer = undefined;
    const update = [...this.changed.values()].map((asset) => ({
      id: asset.id,
      addOrUpdateProperties: [
        { key: "rank", value: rankOf(asset.state) },
        { key: "glyph", value: glyphName(asset) },
      ],
    }));
    const remove = [...this.leaving];
    this.changed.clear();
    this.leaving.clear();
    if (update.length + remove.length > 0 && this.ready)
      void this.source("assets").updateData({ update, remove });
  }

  /**
   * Fade what has had no news for long; feature state, so that nothing is laid out again. A slice at a time:
   * between the slices of a large city keys and pointer are answered.
   */
  fade(assets: Iterable<AssetSummary>): void {
    if (!this.ready) return;
    clearTimeout(this.fadeTimer);
    const now = Date.now();
    const rest = assets[Symbol.iterator]();
    const slice = () => {
      for (let count = 0; count < FADE_SLICE; count++) {
        const next = rest.next();
        if (next.done) return;
        this.fadeOne(next.value, now);
      }
      this.fadeTimer = setTimeout(slice, 0);
    };
    slice();
  }

  private fadeOne(asset: AssetSummary, now: number): void {
    // A register is not spoken to: its entries do not grow old.
    if (!this.sent.has(asset.id) || asset.service === "cameras") return;
    const stale = isStale(asset.recorded_at ?? asset.observed_at, now, null);
    if (stale === this.stale.has(asset.id)) return;
    if (stale) this.stale.add(asset.id);
    else this.stale.delete(asset.id);
    this.map.setFeatureState({ source: "assets", id: asset.id }, { stale });
  }

  select(asset: AssetSummary | null, bringIntoView: boolean): void {
    if (!this.ready) return void this.whenReady.push(() => this.select(asset, bringIntoView));
    const feature = asset ? featureOf(asset) : null;
    this.source("selected").setData(feature ?? EMPTY);
    if (!asset?.place || !bringIntoView) return;
    const inside = this.map.getBounds().contains(asset.place);
    if (!inside || this.map.getZoom() < 14.5)
      this.fly({ centre: asset.place, zoom: Math.max(this.map.getZoom(), 15.2) });
  }

  fly(view: View): void {
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (reduced) this.map.jumpTo({ center: view.centre, zoom: view.zoom });
    else this.map.easeTo({ center: view.centre, zoom: view.zoom, duration: 140 });
  }

  zoomBy(step: number): void {
    this.fly({ ...this.view, zoom: this.map.getZoom() + step });
  }

  /** Take the colours of another theme: repaint layers and the pictures already drawn. */
  recolour(cyrillic: boolean): void {
    if (!this.ready) return void this.whenReady.push(() => this.recolour(cyrillic));
    this.palette = readPalette();
    for (const layer of layers(this.palette, cyrillic)) {
      for (const [name, value] of Object.entries(layer.paint ?? {}))
        this.map.setPaintProperty(layer.id, name as "line-color", value);
    }
    for (const name of this.painted) this.map.updateImage(name, paintGlyph(name, this.palette));
  }

  script(cyrillic: boolean): void {
    if (!this.ready) return void this.whenReady.push(() => this.script(cyrillic));
    this.map.setLayoutProperty("street-names", "text-field", labelField(cyrillic));
  }

  destroy(): void {
    this.isGone = true;
    clearTimeout(this.flushTimer);
    clearTimeout(this.fadeTimer);
    this.map.remove();
  }

  private source(id: string): maplibre.GeoJSONSource {
    return this.map.getSource(id) as maplibre.GeoJSONSource;
  }

  private paint(name: string): void {
    if (!/^(full|dot|badge|request|crew)\|/.test(name) || this.map.hasImage(name)) return;
    this.painted.add(name);
    this.map.addImage(name, paintGlyph(name, this.palette), { pixelRatio: GLYPH_PIXEL_RATIO });
  }

  private bindPointer(): void {
    const { onIncident, onRequest, onCrew } = this.options;
    const hits = [
      "assets",
      "clusters",
      ...(onIncident ? ["incidents"] : []),
      ...(onRequest ? ["requests"] : []),
      ...(onCrew ? ["crews"] : []),
    ];
    this.map.on("click", async (event) => {
      const box: [maplibre.PointLike, maplibre.PointLike] = [
        [event.point.x - 5, event.point.y - 5],
        [event.point.x + 5, event.point.y + 5],
      ];
      const found = this.map.queryRenderedFeatures(box, { layers: hits });
      const crew = found.find((feature) => feature.layer.id === "crews");
      if (crew) return onCrew?.(Number(crew.properties["id"]));
      const incident = found.find((feature) => feature.layer.id === "incidents");
      if (incident) return onIncident?.(String(incident.properties["id"]));
      const request = found.find((feature) => feature.layer.id === "requests");
      if (request) return onRequest?.(String(request.properties["id"]));
      const asset = found
        .filter((feature) => feature.layer.id === "assets")
        .sort((a, b) => Number(b.properties["rank"]) - Number(a.properties["rank"]))[0];
      if (asset) return this.options.onSelect(String(asset.properties["id"]));
      const cluster = found[0];
      if (!cluster) return this.options.onSelect(null);
      const zoom = await this.source("assets").getClusterExpansionZoom(
        Number(cluster.properties["cluster_id"]),
      );
      const [lon, lat] = (cluster.geometry as unknown as { coordinates: Place }).coordinates;
      this.fly({ centre: [lon, lat], zoom: Math.min(zoom + 0.3, 18) });
    });
    for (const layer of hits) {
      this.map.on("mouseenter", layer, () => (this.map.getCanvas().style.cursor = "pointer"));
      this.map.on("mouseleave", layer, () => (this.map.getCanvas().style.cursor = ""));
    }
  }
}
