import { describe, expect, it } from "vitest";
import type { AssetState, AssetSummary } from "../src/lib/api/types";
import { CLUSTER_PROPERTIES, featureOf, glyphName } from "../src/lib/map/clusters";
import { stateOfRank, STATES, worst } from "../src/lib/states";
import { waiting } from "../src/lib/steady";

const asset = (state: AssetState, change: Partial<AssetSummary> = {}): AssetSummary => ({
  id: "urn:a",
  name: "A",
  name_en: null,
  service: "waste",
  type: "WasteContainer",
  place: [21.9, 43.3],
  state,
  origin: "simulated",
  observed_at: null,
  recorded_at: null,
  headline: null,
  ...change,
});

describe("the worst state", () => {
  it.each([
    [["normal", "low", "critical", "unknown"], "critical"],
    [["normal", "unknown"], "unknown"],
    [["normal", "out_of_service", "normal"], "out_of_service"],
    [["unknown", "low"], "low"],
    [[], "normal"],
    [["normal", "a state of a later release"], "unknown"],
  ])("of %j is %s", (states, expected) => {
    expect(worst(states)).toBe(expected);
  });

  it("survives clustering: the map reduces ranks by max and reads the state back", () => {
    const states: AssetState[] = ["normal", "medium", "high", "unknown"];
    const ranks = states.map((state) => featureOf(asset(state))?.properties.rank ?? -1);
    expect(CLUSTER_PROPERTIES.worst[0]).toBe("max");
    expect(stateOfRank(Math.max(...ranks))).toBe("high");
  });

  it("orders all states from critical to normal", () => {
    expect(STATES).toEqual(["critical", "high", "medium", "low", "unknown", "out_of_service", "normal"]);
  });
});

describe("glyphs", () => {
  it("are a dot for a normal luminaire and full as soon as it is not", () => {
    expect(glyphName(asset("normal", { type: "Streetlight", service: "lighting" }))).toBe(
      "dot|lighting|normal|simulated",
    );
    expect(glyphName(asset("low", { type: "Streetlight", service: "lighting" }))).toBe(
      "full|lighting|low|simulated",
    );
  });

  it("are not made for assets without a place", () => {
    expect(featureOf(asset("normal", { place: null }))).toBeNull();
  });
});

describe("a steady list", () => {
  it("lets new ones wait and keeps its order", () => {
    expect(waiting(["b", "a"], ["c", "a", "b"])).toEqual(["c"]);
  });
});
