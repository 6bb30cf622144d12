import { describe, expect, it } from "vitest";
import { ApiError } from "../src/lib/api/client";
import { taskTitle } from "../src/lib/tasks/words";
import { errorText } from "../src/lib/words";
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
