import { describe, expect, it, vi } from "vitest";
import type { Rule } from "../src/lib/api/types";
import { vitalsApi } from "../src/lib/api/vitals";
import { measured } from "../src/lib/measured.svelte";
import { preferences } from "../src/lib/preferences.svelte";
import { ruleSentence } from "../src/lib/rules";

const text = { en: "", "sr-Cyrl": "", "sr-Latn": "" };
const rule = (fields: Partial<Rule>): Rule => ({
  code: "a_rule",
  kind: "threshold",
  title: text,
  advice: null,
  service: "heating",
  priority: "high",
  enabled: true,
  hold: "0s",
  source: "package",
  changed_by: null,
  changed_at: null,
  ...fields,
});

describe("a rule in one line", () => {
  it("says its figures and how long", () => {
    const found = rule({ attribute: "returnTemperaturePrimary", above: 50.5, clear: 47, hold: "45m" });
    expect(ruleSentence(found)).toBe("Return, primary above 50.5 for 45\u00a0min");
  });

  it("writes figures as the script does", () => {
    preferences.language = "sr-Latn";
    expect(ruleSentence(rule({ attribute: "pressure", below: 2.5 }))).toBe("Pritisak ispod 2,5");
    preferences.language = "en";
  });

  it("says every kind", () => {
    expect(ruleSentence(rule({ kind: "absence", attribute: "pressure", hold: "1h" }))).toBe(
      "Pressure is missing, though it speaks for 1\u00a0h",
    );
    expect(ruleSentence(rule({ kind: "combination", of: [1, 2, 3], at_least: 2 }))).toBe(
      "2 of 3 conditions hold",
    );
  });

  it("gives its limits the units that the city's assets report in", async () => {
    const attributes = [
      { name: "pressure", numeric: true, unit: "BAR", words: [] },
      { name: "fillingLevel", numeric: true, unit: null, words: [] },
    ];
    const type = { type: "Zone", service: "water", assets: 1, attributes };
    vi.spyOn(vitalsApi, "sources").mockResolvedValue({ types: [type] });
    await measured.load();
    const limited = { entity_types: ["Zone"], below: 2.5 };
    expect(ruleSentence(rule({ ...limited, attribute: "pressure" }))).toBe("Pressure below 2.5\u00a0bar");
    expect(ruleSentence(rule({ entity_types: ["Zone"], attribute: "fillingLevel", above: 0.97 }))).toBe(
      "Filling above 97\u00a0%",
    );
    expect(ruleSentence(rule({ attribute: "pressure", entity_types: ["Other"], below: 2.5 }))).toBe(
      "Pressure below 2.5",
    );
  });
});
