import { describe, expect, it } from "vitest";
import type { Rule } from "../src/lib/api/types";
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
});
