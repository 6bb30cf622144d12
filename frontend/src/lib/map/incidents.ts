import type { Feature, FeatureCollection } from "geojson";
import type { ExpressionSpecification, LayerSpecification, SourceSpecification } from "maplibre-gl";
import type { Incident } from "../api/incidents.types";
import { shapeOf } from "../incidents/shapes";
import type { Palette } from "./palette";

type Shown = Pick<Incident, "id" | "severity" | "place" | "area" | "state" | "exercise">;
const NONE: FeatureCollection = { type: "FeatureCollection", features: [] };

export const incidentSources = (): Record<string, SourceSpecification> => ({
  incidents: { type: "geojson", data: NONE },
  "incident-areas": { type: "geojson", data: NONE },
});

/** Incidents above the assets: their area in a thin line, their place as a ring around the shape of severity. */
export function incidentLayers(palette: Palette): LayerSpecification[] {
  const colour: ExpressionSpecification = [
    "match",
    ["get", "shape"],
    ...(["critical", "high", "medium", "low"] as const).flatMap((state) => [state, palette.states[state]]),
    palette.line,
  ] as unknown as ExpressionSpecification;
  return [
    {
      id: "incident-areas",
      type: "fill",
      source: "incident-areas",
      paint: { "fill-color": colour, "fill-opacity": 0.08 },
    },
    {
      id: "incident-borders",
      type: "line",
      source: "incident-areas",
      paint: { "line-color": colour, "line-width": 1.6, "line-dasharray": [3, 2] },
    },
    {
      id: "incidents",
      type: "circle",
      source: "incidents",
      paint: {
        "circle-radius": ["case", ["get", "chosen"], 18, 14],
        "circle-color": palette.surface,
        "circle-opacity": 0.92,
        "circle-stroke-color": ["case", ["get", "chosen"], palette.accent, colour],
        "circle-stroke-width": ["case", ["get", "chosen"], 3.5, 2.5],
      },
    },
    {
      id: "incident-shapes",
      type: "symbol",
      source: "incidents",
      layout: {
        "icon-image": ["concat", "badge|", ["get", "shape"], ["case", ["get", "exercise"], "||exercise", ""]],
        "icon-size": 1.25,
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
  ];
}

/** The places and the areas of incidents as two collections. */
export function incidentFeatures(
  incidents: Shown[],
  chosen: string | null,
): { places: FeatureCollection; areas: FeatureCollection } {
  const of = (kind: "place" | "area"): Feature[] =>
    incidents.flatMap((incident) => {
      const geometry = incident[kind];
      const properties = {
        id: incident.id,
        shape: shapeOf[incident.severity],
        chosen: incident.id === chosen,
        exercise: incident.exercise,
      };
      return geometry ? [{ type: "Feature", geometry, properties } as Feature] : [];
    });
  return {
    places: { type: "FeatureCollection", features: of("place") },
    areas: { type: "FeatureCollection", features: of("area") },
  };
}
