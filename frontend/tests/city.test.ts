import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AssetSummary } from "../src/lib/api/types";
import { City } from "../src/lib/city.svelte";

const asset = (id: string): AssetSummary => ({
  id,
  name: id,
  service: "waste",
  type: "WasteContainer",
  place: [21.9, 43.3],
  state: "normal",
  origin: "real",
  observed_at: null,
  recorded_at: null,
  headline: null,
});

describe("the living picture of the city", () => {
  let city: City;
  beforeEach(() => {
    vi.useFakeTimers();
    city = new City();
    city.replaceAssets([asset("a"), asset("b")]);
  });

  it("forgets deleted assets at once and tells who shows them", () => {
    const told: string[] = [];
    city.onAsset(({ id }) => told.push(id));
    const before = city.listing;
    city.apply({ id: "7", name: "gone", data: '{"ids":["a","never-seen"]}' });
    expect([...city.assets.keys()]).toEqual(["b"]);
    expect(city.foldedName("a")).toBe("");
    expect(city.listing).toBe(before + 1);
    expect(told).toEqual(["a"]);
  });

  it("does not rebuild its lists for assets that it never showed", () => {
    const before = city.listing;
    city.apply({ id: "7", name: "gone", data: '{"ids":["never-seen"]}' });
    expect(city.listing).toBe(before);
  });
});
