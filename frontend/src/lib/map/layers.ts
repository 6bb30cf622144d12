import type { AssetService, AssetState, Service } from "../api/types";
import { SERVICES } from "../icons";
import { RANK, rankOf } from "../states";

/** The layers beside the assets of each service. Cameras are assets, too: places from a register, nothing more. */
export const OTHER_LAYERS = ["alarms", "incidents", "crews", "requests", "cameras"] as const;
export type OtherLayer = (typeof OTHER_LAYERS)[number];
export type Layer = Service | OtherLayer;

/** Whether an asset has an alarm that stands: unknown and out of service are states, not alarms. */
export const isAlarmed = (state: AssetState): boolean => rankOf(state) >= RANK.low;

/** Which layers are on: what a person switched off is in the address; one service alone hides the others. */
export class Layers {
  private readonly hidden: ReadonlySet<string>;

  constructor(
    hide: string,
    private readonly only: Service | null,
  ) {
    this.hidden = new Set(hide.split(",").filter(Boolean));
  }

  shows(layer: Layer): boolean {
    if (this.only && (layer === "cameras" || (SERVICES as string[]).includes(layer)))
      return layer === this.only;
    return !this.hidden.has(layer);
  }

  /** Whether an asset is on the map: its layer is on, or it has an alarm and alarms are on. */
  has(asset: { service: AssetService; state: AssetState }): boolean {
    if (this.shows(asset.service)) return true;
    return !this.only && this.shows("alarms") && isAlarmed(asset.state);
  }

  /** What the address says of layers once one of them is switched; null for nothing to say. */
  switched(layer: Layer): { hide: string | null; service: null } {
    const every: Layer[] = [...SERVICES, ...OTHER_LAYERS];
    const next = new Set<string>(every.filter((one) => !this.shows(one)));
    if (!next.delete(layer)) next.add(layer);
    return { hide: [...next].join(",") || null, service: null };
  }
}

/** What maps beside the situation show: everything of the services; cameras are looked for there, not met. */
export const SERVICES_ONLY = new Layers("cameras", null);
