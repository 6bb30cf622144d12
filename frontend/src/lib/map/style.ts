import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { Basemap } from "../api/types";
import { toLatin } from "../i18n/transliterate";
import { RANK, stateOfRank } from "../states";
import { CLUSTER_PROPERTIES, CLUSTER_RADIUS } from "./clusters";
import { crewLayers, crewSources } from "./crews";
import { incidentLayers, incidentSources } from "./incidents";
import { requestLayers, requestSources } from "./requests";
import type { Palette } from "./palette";

export const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
const FONT = ["Inter Variable"];
const CLUSTERED: ExpressionSpecification = ["has", "point_count"];
const BASE = ["green", "water", "buildings", "streets"] as const;

/** Street names of road numbers ("158") are no names; every name gets its Latin spelling beside it. */
function withNames(collection: FeatureCollection | undefined): FeatureCollection {
  if (!collection) return EMPTY;
  return {
    type: "FeatureCollection",
    features: collection.features.map((feature) => {
      const name = String(feature.properties?.["name"] ?? "");
      const label = /\p{L}/u.test(name) ? name : "";
      return { ...feature, properties: { ...feature.properties, label, latin: toLatin(label) } };
    }),
  };
}

const width = (at12: number, at16: number, at19: number): ExpressionSpecification => {
  const wide: ExpressionSpecification = [
    "match",
    ["coalesce", ["get", "class"], ["get", "highway"], ""],
    ["motorway", "trunk", "primary"],
    1.7,
    ["secondary"],
    1.35,
    ["residential", "service", "unclassified", "living_street"],
    0.7,
    ["footway", "path", "cycleway", "pedestrian", "steps", "track"],
    0.4,
    1,
  ];
  return [
    "interpolate",
    ["exponential", 1.6],
    ["zoom"],
    11,
    ["*", at12 * 0.7, wide],
    13,
    ["*", at12, wide],
    16,
    ["*", at16, wide],
    19,
    ["*", at19, wide],
  ];
};

export const labelField = (cyrillic: boolean): ExpressionSpecification => [
  "get",
  cyrillic ? "label" : "latin",
];

/** All layers with the colours of a theme. Called again when the theme changes; only the paint differs. */
export function layers(palette: Palette, cyrillic: boolean): LayerSpecification[] {
  const worstColour: ExpressionSpecification = [
    "match",
    ["get", "worst"],
    RANK.critical,
    palette.states.critical,
    RANK.high,
    palette.states.high,
    palette.line,
  ];
  return [
    { id: "ground", type: "background", paint: { "background-color": palette.map.ground } },
    { id: "green", type: "fill", source: "green", paint: { "fill-color": palette.map.green } },
    {
      id: "water",
      type: "fill",
      source: "water",
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": palette.map.water },
    },
    {
      id: "rivers",
      type: "line",
      source: "water",
      filter: ["==", ["geometry-type"], "LineString"],
      layout: { "line-cap": "round", "line-join": "round" },
      paint: {
        "line-color": palette.map.water,
        "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 11, 2, 16, 12],
      },
    },
    {
      id: "buildings",
      type: "fill",
      source: "buildings",
      minzoom: 14,
      paint: { "fill-color": palette.map.building },
    },
    {
      id: "streets-case",
      type: "line",
      source: "streets",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": palette.map.streetCase, "line-width": width(2.6, 10, 30) },
    },
    {
      id: "streets",
      type: "line",
      source: "streets",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": palette.map.street, "line-width": width(1.5, 7.5, 26) },
    },
    {
      id: "street-names",
      type: "symbol",
      source: "streets",
      minzoom: 12,
      layout: {
        "symbol-placement": "line",
        "text-field": labelField(cyrillic),
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 12, 9.5, 17, 13],
        "text-max-angle": 35,
        "text-padding": 12,
        "symbol-spacing": 320,
      },
      paint: {
        "text-color": palette.map.label,
        "text-halo-color": palette.map.ground,
        "text-halo-width": 1.4,
      },
    },
    {
      id: "clusters",
      type: "circle",
      source: "assets",
      filter: CLUSTERED,
      layout: { "circle-sort-key": ["get", "worst"] },
      paint: {
        "circle-radius": CLUSTER_RADIUS as unknown as ExpressionSpecification,
        "circle-color": palette.surface,
        "circle-opacity": 0.94,
        "circle-stroke-width": ["case", [">=", ["get", "worst"], RANK.high], 1.8, 1],
        "circle-stroke-color": worstColour,
      },
    },
    {
      id: "cluster-counts",
      type: "symbol",
      source: "assets",
      filter: CLUSTERED,
      layout: {
        "text-field": ["get", "point_count_abbreviated"],
        "text-font": FONT,
        "text-size": 11,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": palette.ink },
    },
    {
      id: "cluster-worst",
      type: "symbol",
      source: "assets",
      filter: ["all", CLUSTERED, [">", ["get", "worst"], 0]],
      layout: {
        "icon-image": ["concat", "badge|", worstName()],
        "icon-offset": [
          "step",
          ["get", "point_count"],
          ["literal", [10, -10]],
          10,
          ["literal", [12, -12]],
          50,
          ["literal", [14, -14]],
          200,
          ["literal", [17, -17]],
        ],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "worst"],
      },
    },
    {
      id: "assets",
      type: "symbol",
      source: "assets",
      filter: ["!", CLUSTERED],
      layout: {
        "icon-image": ["get", "glyph"],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 11, 0.72, 14, 0.9, 17, 1.1],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "rank"],
      },
      paint: { "icon-opacity": ["case", ["boolean", ["feature-state", "stale"], false], 0.5, 1] },
    },
    {
      id: "selected",
      type: "circle",
      source: "selected",
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 15, 17, 21],
        "circle-color": "rgba(0,0,0,0)",
        "circle-stroke-color": palette.accent,
        "circle-stroke-width": 2.5,
      },
    },
    ...requestLayers(palette),
    ...incidentLayers(palette),
    ...crewLayers(palette),
  ];
}

function worstName(): ExpressionSpecification {
  const pairs = [1, 2, 3, 4, 5, 6].flatMap((rank) => [rank, stateOfRank(rank)]);
  return ["match", ["get", "worst"], ...pairs, "unknown"] as unknown as ExpressionSpecification;
}

export function styleOf(basemap: Basemap | null, palette: Palette, cyrillic: boolean): StyleSpecification {
  const sources: StyleSpecification["sources"] = {
    assets: {
      type: "geojson",
      data: EMPTY,
      promoteId: "id",
      cluster: true,
      clusterRadius: 38,
      clusterMaxZoom: 15,
      clusterMinPoints: 3,
      clusterProperties: CLUSTER_PROPERTIES,
    },
    selected: { type: "geojson", data: EMPTY },
    ...requestSources(),
    ...incidentSources(),
    ...crewSources(),
  };
  for (const name of BASE) {
    const data = basemap?.layers[name];
    sources[name] = {
      type: "geojson",
      data: name === "streets" ? withNames(data) : (data ?? EMPTY),
      tolerance: 0.2,
    };
  }
  return { version: 8, sources, layers: layers(palette, cyrillic) };
}
