import { describe, expect, it } from "vitest";
import type { Vital, VitalDefinition } from "../src/lib/api/vitals";
import { preferences } from "../src/lib/preferences.svelte";
import { definitionOf, draftOf } from "../src/lib/vitals/form";
import { isOutside, sourceText, targetText } from "../src/lib/vitals/words";

const words = { en: "x", sr: "х" };
const definition: VitalDefinition = {
  key: "lights",
  service: "lighting",
  name: words,
  meaning: words,
  unit: "P1",
  normal: [97, 100],
  target: { at_least: 99 },
  responsible: words,
  basis: words,
  source: {
    kind: "assets",
    types: ["Streetlight"],
    aggregate: "share",
    ways: [[{ attribute: "powerState", equals: ["off"] }], [{ attribute: "activePower", above: 2 }]],
  },
};
const vital = (fields: Partial<Vital>) =>
  ({ decimals: 0, unit: "%", normal: [90, 100], target: { at_least: 98 }, value: 95, ...fields }) as Vital;

describe("the form of a vital sign", () => {
  it("says what it was given", () => {
    expect(definitionOf(draftOf(definition, undefined))).toEqual(definition);
  });
  it("leaves out what was left empty", () => {
    const draft = { ...draftOf(definition, undefined), unit: "", low: null, direction: "" as const };
    expect(Object.keys(definitionOf(draft))).not.toContain("unit");
    expect(Object.keys(definitionOf(draft))).not.toContain("normal");
    expect(Object.keys(definitionOf(draft))).not.toContain("target");
  });
});

describe("a vital sign in words", () => {
  it("is measured as a sentence says", () => {
    expect(sourceText(definition.source)).toBe(
      "Luminaire: share for which power is off; or active power is above 2.",
    );
    const mean = { kind: "assets", types: ["AirQualityObserved"], aggregate: "median", attribute: "pm25" };
    expect(sourceText({ ...mean, over: "1d" } as Vital["source"])).toBe(
      "Air station: median of PM2.5, each as its mean of 24\u00a0h.",
    );
    preferences.language = "sr-Cyrl";
    expect(sourceText({ kind: "work", figure: "requests_in_time", within: "3d", over: "30d" })).toContain(
      "30 дана",
    );
    preferences.language = "en";
  });
  it("names its target with the unit", () => {
    expect(targetText(vital({}))).toBe("target: at least 98\u00a0%");
    expect(targetText(vital({ target: null }))).toBe("no target");
  });
  it("is outside its band by what is shown", () => {
    expect(isOutside(vital({ value: 89.6 }))).toBe(false);
    expect(isOutside(vital({ value: 89.4 }))).toBe(true);
    expect(isOutside(vital({ value: null }))).toBe(false);
  });
});
