import type { Feature, FeatureCollection } from "geojson";
import type { LayerSpecification, SourceSpecification } from "maplibre-gl";
import type { CitizenRequest } from "../api/requests";
import type { Palette } from "./palette";

type Shown = Pick<CitizenRequest, "id" | "place" | "state" | "exercise" | "origin">;

export const requestSources = (): Record<string, SourceSpecification> => ({
  requests: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
});

/** Requests between assets and incidents: a speech bubble, filled while nobody works on it. */
export function requestLayers(palette: Palette): LayerSpecification[] {
  return [
    {
      id: "request-chosen",
      type: "circle",
      source: "requests",
      filter: ["get", "chosen"],
      paint: {
        "circle-radius": 16,
        "circle-color": palette.surface,
        "circle-opacity": 0.85,
        "circle-stroke-color": palette.accent,
        "circle-stroke-width": 3,
      },
    },
    {
      id: "requests",
      type: "symbol",
      source: "requests",
      layout: {
        "icon-image": ["concat", "request|", ["get", "state"], "||", ["get", "origin"]],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
  ];
}

/** The places of requests; one without a place is only in the table. */
export function requestFeatures(requests: Shown[], chosen: string | null): FeatureCollection {
  const features = requests.flatMap((request): Feature[] => {
    if (!request.place) return [];
    const origin = request.exercise ? "exercise" : request.origin;
    const state = request.state === "new" ? "new" : "other";
    const properties = { id: request.id, state, origin, chosen: request.id === chosen };
    return [{ type: "Feature", geometry: request.place, properties }];
  });
  return { type: "FeatureCollection", features };
}
