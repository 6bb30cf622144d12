import { afterEach, describe, expect, it } from "vitest";
import { ApiError } from "../src/lib/api/client";
import { en } from "../src/lib/i18n/en";
import { preferences } from "../src/lib/preferences.svelte";
import { errorText } from "../src/lib/words";

const files = import.meta.glob<string>("../../src/vidik/operations/{alarms,incidents,tasks,requests}/*.py", {
  query: "?raw",
  import: "default",
  eager: true,
});
const codes = Object.values(files).flatMap((text) =>
  [...text.matchAll(/\bcode="([a-z-]+)"/g)].map(([, code]) => code ?? ""),
);
const refused = (code: string, values: Record<string, string>) =>
  errorText(new ApiError(409, code, "Said in English.", null, values));

describe("what people who work with alarms, incidents, requests and tasks are refused", () => {
  afterEach(() => {
    preferences.language = "en";
  });

  it.each([...new Set(codes)])("is said in the person's language: %s", (code) => {
    expect(Object.keys(en)).toContain(`error.${code}`);
  });

  it("is found in the code", () => expect(codes.length).toBeGreaterThan(25));

  it("names in the person's script who was quicker", () => {
    preferences.language = "sr-Latn";
    expect(refused("already-acknowledged", { person: "Милена Јовић" })).toBe(
      "Ovaj alarm je već potvrđen (Milena Jović).",
    );
    preferences.language = "en";
    expect(refused("already-acknowledged", { person: "Милена Јовић" })).toContain("Milena Jović has");
  });
});
