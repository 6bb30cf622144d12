import { afterEach, describe, expect, it } from "vitest";
import { ApiError } from "../src/lib/api/client";
import problems from "../../src/vidik/app/problems.py?raw";
import { en } from "../src/lib/i18n/en";
import { preferences } from "../src/lib/preferences.svelte";
import { errorText } from "../src/lib/words";

const files = import.meta.glob<string>(
  [
    "../../src/vidik/operations/**/*.py",
    "../../src/vidik/kernel/identity/*.py",
    "../../src/vidik/intake/commands/*.py",
  ],
  {
    query: "?raw",
    import: "default",
    eager: true,
  },
);
const codes = Object.values(files).flatMap((text) =>
  [...text.matchAll(/\bcode="([a-z-]+)"/g)].map(([, code]) => code ?? ""),
);
const rooms = Object.values(
  import.meta.glob<string>("../src/lib/i18n/*.en.ts", { query: "?raw", import: "default", eager: true }),
).join("\n");
/** Said by the door itself, in words of its own. */
const AT_THE_DOOR = ["sign-in-refused", "phone-revoked"];
const table = problems.slice(problems.indexOf("_KINDS = {"), problems.indexOf("# fmt: skip"));
const kinds = [...new Set([...table.matchAll(/"([a-z]+-[a-z]+)"/g)].map(([, kind]) => kind ?? ""))];
const refused = (code: string, values: Record<string, string>) =>
  errorText(new ApiError(409, code, "Said in English.", null, values));

describe("what people are refused", () => {
  afterEach(() => {
    preferences.language = "en";
  });

  it.each([...new Set(codes)].filter((code) => !AT_THE_DOOR.includes(code)))(
    "is said in the person's language: %s",
    (code) => {
      expect(`error.${code}` in en || rooms.includes(`.${code}":`)).toBe(true);
    },
  );

  it("says what a form got wrong, and the limit", () => {
    const wrong = (values: Record<string, string | number>) =>
      errorText(new ApiError(422, "invalid-request", "title: String should…", null, values));
    expect(kinds.length).toBeGreaterThan(8);
    for (const kind of kinds)
      expect(wrong({ field: "title", kind, limit: 3 })).not.toContain("String should");
    expect(kinds.filter((kind) => !(`error.invalid-request.${kind}` in en))).toEqual([]);
    preferences.language = "sr-Latn";
    expect(wrong({ field: "title", kind: "too-long", limit: 200 })).toBe(
      "title je predugačko: znakova može biti najviše 200.",
    );
    expect(wrong({ field: "title", kind: "too-long" })).toContain("Nešto u poslatom nije ispravno (title)");
  });

  it("is found in the code", () => expect(codes.length).toBeGreaterThan(60));

  it("names in the person's script who was quicker", () => {
    preferences.language = "sr-Latn";
    expect(refused("already-acknowledged", { person: "Милена Јовић" })).toBe(
      "Ovaj alarm je već potvrđen (Milena Jović).",
    );
    preferences.language = "en";
    expect(refused("already-acknowledged", { person: "Милена Јовић" })).toContain("Milena Jović has");
  });
});
