import { describe, expect, it } from "vitest";
import { ownerName } from "../src/lib/alarms/words";

const files = import.meta.glob<string>("../../src/vidik/operations/rules/packaged/*.yaml", {
  query: "?raw",
  import: "default",
  eager: true,
});
const owners = Object.values(files).flatMap((text) =>
  [...text.matchAll(/owner: *([a-z_]+)/g)].map(([, owner]) => owner ?? ""),
);

describe("who answers for a rule", () => {
  it.each([...new Set(owners)])("is said in words of %s", (owner) => {
    expect(ownerName(owner)).not.toBe(owner);
    expect(ownerName(owner)).not.toContain("_");
  });

  it("is said of every service of the package", () => expect(owners.length).toBeGreaterThan(10));
});
