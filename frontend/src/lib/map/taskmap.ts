import "maplibre-gl/dist/maplibre-gl.css";
import * as maplibre from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Basemap, Place, Priority } from "../api/types";
import { GLYPH_PIXEL_RATIO, paintGlyph } from "./glyphs";
import { placeLabels, type Point, type Side } from "./labels";
import { readPalette } from "./palette";
import { labelField, layers, styleOf } from "./style";

maplibre.setWorkerUrl(workerUrl);

export interface TaskMark {
  id: number;
  at: Place;
  priority: Priority;
  text: string;
}

export interface CrewMark {
  id: number;
  at: Place;
  text: string;
  /** The name of its picture, as on the map of the situation. */
  glyph: string;
}

/** Half the side of a mark, in pixels. */
const MARK_RADIUS = 14;

interface Options {
  container: HTMLElement;
  basemap: Basemap | null;
  centre: Place;
  zoom: number;
  cyrillic: boolean;
  label: string;
  select: (id: number) => void;
}

/** A map of a few dozen tasks and crews: marks are elements of the page, so keys and readers reach them. */
export class TaskChart {
  private readonly map: maplibre.Map;
  private readonly tasks = new Map<number, maplibre.Marker>();
  private readonly crews = new Map<number, maplibre.Marker>();
  private crewMarks: CrewMark[] = [];
  private sides = new Map<number, Side | null>();
  private arranging = 0;
  private fitted = false;

  constructor(private readonly options: Options) {
    this.map = new maplibre.Map({
      container: options.container,
      style: styleOf(options.basemap, readPalette(), options.cyrillic),
      center: options.centre,
      zoom: options.zoom,
      minZoom: 8,
      maxZoom: 19,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      locale: { "Map.Title": options.label },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.on("move", () => this.arrange());
    this.map.on("resize", () => this.arrange());
  }

  showTasks(marks: TaskMark[], selected: number | null): void {
    this.drop(this.tasks, marks);
    this.fitOnce(marks);
    for (const { id, at, priority, text } of marks) {
      let marker = this.tasks.get(id);
      if (!marker) {
        const element = document.createElement("button");
        element.addEventListener("click", () => this.options.select(id));
        marker = new maplibre.Marker({ element }).setLngLat(at).addTo(this.map);
        this.tasks.set(id, marker);
      }
      const element = marker.setLngLat(at).getElement();
      for (const name of ["critical", "high", "medium", "low"])
        element.classList.toggle(name, name === priority);
      element.classList.add("mark");
      element.title = text;
      element.setAttribute("aria-label", text);
      element.setAttribute("aria-pressed", String(id === selected));
      if (id === selected && !this.map.getBounds().contains(at)) this.map.jumpTo({ center: at });
    }
    this.arrange();
  }

  showCrews(marks: CrewMark[]): void {
    this.drop(this.crews, marks);
    this.crewMarks = marks;
    for (const { id, at, text, glyph } of marks) {
      let marker = this.crews.get(id);
      if (!marker) {
        const element = document.createElement("div");
        element.classList.add("crew");
        element.append(document.createElement("canvas"), document.createElement("span"));
        marker = new maplibre.Marker({ element }).setLngLat(at).addTo(this.map);
        this.crews.set(id, marker);
      }
      const element = marker.setLngLat(at).getElement();
      const [picture, name] = element.children as unknown as [HTMLCanvasElement, HTMLSpanElement];
      paint(picture, glyph);
      name.textContent = text;
      // A name as text says it already.
      element.removeAttribute("aria-label");
      element.removeAttribute("role");
    }
    this.arrange();
  }

  /** Give each name of a crew its side once before the next picture. */
  private arrange(): void {
    this.arranging ||= requestAnimationFrame(() => {
      this.arranging = 0;
      const at = (marker: maplibre.Marker): Point => {
        const { x, y } = this.map.project(marker.getLngLat());
        return [x, y];
      };
      const labels = [...this.crews].map(([id, marker]) => {
        const name = marker.getElement().lastElementChild as HTMLElement;
        return { id, at: at(marker), width: name.offsetWidth, height: name.offsetHeight };
      });
      const marks = [...this.tasks.values(), ...this.crews.values()].map(at);
      const { clientWidth: width, clientHeight: height } = this.options.container;
      const frame = { width, height };
      this.sides = placeLabels(labels, marks, MARK_RADIUS, frame, this.sides);
      for (const [id, side] of this.sides) {
        const element = this.crews.get(id)?.getElement();
        if (element) element.dataset["side"] = side ?? "none";
      }
    });
  }

  /** The first list decides what is in view; after that the map stays where the person leaves it. */
  private fitOnce(marks: TaskMark[]): void {
    if (this.fitted || marks.length === 0) return;
    this.fitted = true;
    const bounds = new maplibre.LngLatBounds(this.options.centre, this.options.centre);
    for (const { at } of marks) bounds.extend(at);
    this.map.fitBounds(bounds, { padding: 48, maxZoom: 14, animate: false });
  }

  private drop(known: Map<number, maplibre.Marker>, marks: { id: number }[]): void {
    const wanted = new Set(marks.map((mark) => mark.id));
    for (const [id, marker] of known) {
      if (wanted.has(id)) continue;
      marker.remove();
      known.delete(id);
    }
  }

  /** Take the colours of another theme, and the script of the person. */
  recolour(cyrillic: boolean): void {
    if (!this.map.isStyleLoaded()) return void this.map.once("idle", () => this.recolour(cyrillic));
    for (const layer of layers(readPalette(), cyrillic)) {
      for (const [name, value] of Object.entries(layer.paint ?? {}))
        this.map.setPaintProperty(layer.id, name as "line-color", value);
    }
    this.map.setLayoutProperty("street-names", "text-field", labelField(cyrillic));
    this.showCrews(this.crewMarks);
  }

  destroy(): void {
    cancelAnimationFrame(this.arranging);
    this.map.remove();
  }
}

function paint(canvas: HTMLCanvasElement, glyph: string): void {
  const { width, height, data } = paintGlyph(glyph, readPalette());
  canvas.width = width;
  canvas.height = height;
  canvas.style.width = `${width / GLYPH_PIXEL_RATIO}px`;
  canvas.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0);
}
