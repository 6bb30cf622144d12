import { describe, expect, it } from "vitest";
import type { Entry, Incident } from "../src/lib/api/incidents.types";
import type { Alarm } from "../src/lib/api/types";
import { csvOf } from "../src/lib/incidents/csv";
import { candidatesFor } from "../src/lib/incidents/joining";
import { queueOf } from "../src/lib/incidents/queue";
import { mergeEntries, newer } from "../src/lib/incidents/store.svelte";

const entry = (id: number) => ({ id: String(id), kind: "note" }) as Entry;
const incident = (fields: Partial<Incident> = {}) =>
  ({
    id: "1",
    number: "2026-0001",
    version: 1,
    title: "Пожар",
    titles: null,
    severity: "moderate",
    state: "open",
    opened_at: "2026-11-22T10:00:00Z",
    alarms: { total: 0, open: 0, unacknowledged: 0, priority: null },
    place: null,
    ...fields,
  }) as Incident;
const alarm = (id: string, group: string | null, priority = "high") =>
  ({ id, group, priority, raised_at: "2026-11-22T10:00:00Z" }) as Alarm;

describe("what the stream tells of an incident", () => {
  it("keeps every line once, the newest first", () => {
    const merged = mergeEntries([entry(9), entry(3)], [entry(10), entry(9)]);
    expect(merged.map(({ id }) => id)).toEqual(["10", "9", "3"]);
  });

  it("is not put back by a view that comes late", () => {
    const known = incident({ version: 3, severity: "severe", entries: [entry(7)] });
    const after = newer(known, incident({ version: 2, entries: [entry(6)] }));
    expect([after.version, after.severity, after.entries?.length]).toEqual([3, "severe", 2]);
  });

  it("takes a note, which leaves the version as it is", () => {
    const known = incident({ version: 3, entries: [entry(7)] });
    expect(newer(known, incident({ version: 3, entries: [entry(8)] })).entries?.[0]?.id).toBe("8");
  });
});

describe("the queue", () => {
  it("has incidents worst first, then alarms that belong to none, those of one cause as one line", () => {
    const incidents = [incident(), incident({ id: "2", severity: "extreme" })];
    const alarms = [
      alarm("1", null),
      alarm("2", "5"),
      alarm("3", "5"),
      alarm("4", null, "critical"),
      alarm("9", null),
    ];
    const items = queueOf(incidents, alarms, ({ id }) => id === "9", "all");
    expect(items.map(({ key }) => key)).toEqual([
      "incident:2",
      "incident:1",
      "alarm:4",
      "alarm:1",
      "group:5",
    ]);
  });
});

describe("the CSV", () => {
  it("disarms formulas and quotes what must be quoted", () => {
    const [, row] = csvOf([incident({ title: '=HYPERLINK("x")', address: "Ниш, Чаир" })]).split("\r\n");
    expect(row).toContain('"\'=HYPERLINK(""x"")"');
    expect(row).toContain('"Ниш, Чаир"');
  });
});

describe("what something can become part of", () => {
  const at = (longitude: number) => ({
    type: "Point" as const,
    coordinates: [longitude, 43.32] as [number, number],
  });
  const links = [] as Incident["links"];
  const near = incident({ id: "near", place: at(21.9), links, exercise: false });
  const far = incident({ id: "far", place: at(21.95), links, exercise: false, severity: "extreme" });
  const nowhere = incident({ id: "nowhere", links, exercise: false, severity: "extreme" });
  const exercised = incident({ id: "exercised", place: at(21.9), links, exercise: true });
  const all = [nowhere, exercised, far, near];
  const link = { kind: "alarm" as const, target: "7" };
  const idsFor = (running: Incident[], exercise = false) =>
    candidatesFor(running, { link, near: [21.901, 43.32], exercise }).map((one) => one.incident.id);

  it("is the nearest first, what has no place last, and never of an exercise what is real", () => {
    expect(idsFor(all)).toEqual(["near", "far", "nowhere"]);
    expect(idsFor(all, true)).toEqual(["exercised"]);
  });

  it("is none that has it already", () => {
    expect(
      idsFor([{ ...near, links: [{ ...link, name: null, linked_at: "", linked_by: "" }] }, far]),
    ).toEqual(["far"]);
  });

  it("says how far it is, in metres", () => {
    const [found] = candidatesFor([near], { link, near: [21.901, 43.32], exercise: false });
    expect(found?.metres).toBeGreaterThan(75);
    expect(found?.metres).toBeLessThan(87);
  });
});
