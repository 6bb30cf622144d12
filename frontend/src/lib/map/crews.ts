import type { Feature, FeatureCollection } from "geojson";
import type { LayerSpecification, SourceSpecification } from "maplibre-gl";
import type { Place } from "../api/types";
import type { CrewState } from "../tasks/standing";
import type { Palette } from "./palette";

/** A crew as the map shows it. */
export interface CrewMark {
  id: number;
  at: Place;
  state: CrewState;
  origin: "real" | "simulated";
  /** Its name in the person's script; with the age of its position when that is old. */
  label: string;
  lost: boolean;
}

export const crewSources = (): Record<string, SourceSpecification> => ({
  crews: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
});

/** Crews above everything that stands still: a person with what they do, the name below. */
export function crewLayers(palette: Palette): LayerSpecification[] {
  return [
    {
      id: "crew-chosen",
      type: "circle",
      source: "crews",
      filter: ["get", "chosen"],
      paint: {
        "circle-radius": 18,
        "circle-color": palette.surface,
        "circle-opacity": 0.85,
        "circle-stroke-color": palette.accent,
        "circle-stroke-width": 3,
      },
    },
    {
      id: "crews",
      type: "symbol",
      source: "crews",
      layout: {
        "icon-image": ["get", "glyph"],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "text-field": ["get", "label"],
        "text-font": ["Inter Variable"],
        "text-size": 11.5,
        "text-anchor": "top",
        "text-offset": [0, 1.25],
        "text-optional": true,
        "text-allow-overlap": false,
      },
      paint: {
        "icon-opacity": ["case", ["get", "lost"], 0.55, 1],
        "text-color": palette.ink,
        "text-halo-color": palette.map.ground,
        "text-halo-width": 1.6,
      },
    },
  ];
}

export function crewFeatures(marks: CrewMark[], chosen: number | null): FeatureCollection {
  const features = marks.map(({ id, at, state, origin, label, lost }): Feature => {
    const glyph = ["crew", state, lost ? "lost" : "", origin].join("|");
    const properties = { id, glyph, label, lost, chosen: id === chosen };
    return { type: "Feature", geometry: { type: "Point", coordinates: at }, properties };
  });
  return { type: "FeatureCollection", features };
}
