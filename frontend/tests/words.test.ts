import { describe, expect, it } from "vitest";
import { ApiError } from "../src/lib/api/client";
import { areasWords } from "../src/lib/i18n/areas.en";
import { control } from "../src/lib/i18n/control.en";
import { identity } from "../src/lib/i18n/identity.en";
import { alarmText, attributeName, inScript } from "../src/lib/i18n/index.svelte";
import { refusals } from "../src/lib/i18n/refusals.en";
import { taskTitle } from "../src/lib/tasks/words";
import { metresText } from "../src/lib/units";
import { errorText, storedText } from "../src/lib/words";
import { preferences } from "../src/lib/preferences.svelte";

const refused = (status: number, code: string, values = {}) =>
  Object.assign(new ApiError(status, code, "The server's own words."), { values });

describe("what went wrong", () => {
  it("is said by its code, also where the server gives no values", () => {
    expect(errorText(refused(409, "merge-exercise"))).toBe("An exercise and real work cannot be merged.");
  });
  it("is said in the server's words where there are no others", () => {
    expect(errorText(refused(409, "something-new"))).toBe("The server's own words.");
  });
  it("has no gaps", () => {
    expect(errorText(refused(403, "task-of-organisation"))).not.toContain("{");
  });
});

describe("the title of a task", () => {
  const titles = { en: "Close the valve", "sr-Cyrl": "Затвори вентил", "sr-Latn": "Zatvori ventil" };
  it("is said in the language of the person where Vidik wrote it", () => {
    expect(taskTitle({ title: "Затвори вентил", titles })).toBe("Close the valve");
    preferences.language = "sr-Cyrl";
    expect(taskTitle({ title: "Затвори вентил", titles })).toBe("Затвори вентил");
    preferences.language = "en";
  });
  it("stays as a person typed it", () => {
    expect(taskTitle({ title: "Brana kod Medijane", titles: null })).toBe("Brana kod Medijane");
  });
});

describe("what is stored", () => {
  it("is told apart by its unit where models have one name", () => {
    expect(attributeName("intensity")).toBe("Vehicles an hour");
    expect(attributeName("intensity", "A")).toBe("Current");
    expect(attributeName("intensity", "AMP")).toBe("Current");
  });

  it("is a place or a text of the reader's, or neither", () => {
    expect(storedText({ type: "Point", coordinates: [21.9, 43.32] })).toBe("43.32, 21.9");
    expect(storedText({ en: "Spot 1", "sr-Cyrl": "Место 1", "sr-Latn": "Mesto 1" })).toBe("Spot 1");
    expect(storedText("on")).toBeNull();
    expect(storedText({ type: "Polygon", coordinates: [[[21.9, 43.3]]] })).toBeNull();
  });

  it("keeps a number by its unit and names Vidik in the reader's script", () => {
    const message = { en: "Draws 0.9 W for 15 min, 3 citizens say.", "sr-Cyrl": "", "sr-Latn": "" };
    expect(alarmText({ message })).toBe("Draws 0.9\u00a0W for 15\u00a0min, 3 citizens say.");
    preferences.language = "sr-Cyrl";
    expect(inScript("Vidik")).toBe("Видик");
    preferences.language = "en";
  });

  it("names the accounts that Vidik makes itself in the reader's language, and nobody else's", () => {
    const names = () => ["First dispatcher", "demo", "toString", "Demo"].map(inScript);
    expect(names()).toEqual(["First dispatcher", "Demo city", "toString", "Demo"]);
    preferences.language = "sr-Cyrl";
    expect(names()).toEqual(["Први диспечер", "Демо град", "toString", "Demo"]);
    preferences.language = "sr-Latn";
    expect(names()).toEqual(["Prvi dispečer", "Demo grad", "toString", "Demo"]);
    preferences.language = "en";
  });
});

describe("the words of the whole console", () => {
  it("are said by one of their parts only: of two, the later would be shown and the other changed in vain", () => {
    const keys = [control, areasWords, refusals, identity].flatMap((part) => Object.keys(part));
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });

  it("write the hour as h in both Serbian scripts, as every figure does", () => {
    const files = import.meta.glob<string>("../src/lib/i18n/**/*sr-cyrl.ts", {
      eager: true,
      query: "?raw",
      import: "default",
    });
    expect(Object.keys(files).length).toBeGreaterThan(15);
    const told = Object.values(files).flatMap((text) => text.match(/.*[\d}] ч(?!\p{L}).*/gu) ?? []);
    expect(told).toEqual([]);
  });
});

describe("how far something is", () => {
  it("is said in whole metres, and from a kilometre on as people write it", () => {
    expect(metresText(964.0933393066408)).toBe("964 m");
    expect(metresText(999.7)).toBe("1.0 km");
    preferences.language = "sr-Cyrl";
    expect(metresText(2040)).toBe("2,0 km");
    preferences.language = "en";
  });
});
