import type { AssetSummary } from "../api/types";
import { rankOf } from "../states";

/** Small things that come in hundreds: a dot while normal, a full glyph as soon as they are not. */
const MINOR = new Set(["Streetlight", "ParkingSpot"]);

export interface AssetFeature {
  type: "Feature";
  geometry: { type: "Point"; coordinates: [number, number] };
  properties: { id: string; rank: number; glyph: string };
}

/** The name of the picture that shows an asset; the painter draws it when the map first asks. */
export function glyphName(asset: Pick<AssetSummary, "service" | "state" | "origin" | "type">): string {
  const size = MINOR.has(asset.type) && asset.state === "normal" ? "dot" : "full";
  return [size, asset.service, asset.state, asset.origin].join("|");
}

export function featureOf(asset: AssetSummary): AssetFeature | null {
  if (!asset.place) return null;
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: asset.place },
    properties: { id: asset.id, rank: rankOf(asset.state), glyph: glyphName(asset) },
  };
}

/** A cluster is as bad as the worst inside it: the highest rank wins. */
export const CLUSTER_PROPERTIES = { worst: ["max", ["get", "rank"]] } as const;

/** Radius of a cluster of n assets, in pixels, as an expression of the style. */
export const CLUSTER_RADIUS = ["step", ["get", "point_count"], 12, 10, 14, 50, 17, 200, 21] as const;
