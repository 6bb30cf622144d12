import { describe, expect, it } from "vitest";
import { binned, everyDay } from "../src/lib/alarms/bins";
import { ends } from "../src/lib/alarms/ends";
import { linesOf, readLines } from "../src/lib/alarms/lines";
import { definitionOf, mistakeOf, newDraft, priorityOf } from "../src/lib/alarms/ruleform";
import type { AlarmGroup, PriorityMatrix } from "../src/lib/api/alarms.types";
import type { Alarm, Priority } from "../src/lib/api/types";
import { isAsking } from "../src/lib/states";

const alarm = (id: number, fields: Partial<Alarm> = {}) =>
  ({ id: String(id), priority: "low", standard_state: "unacknowledged", group: null, ...fields }) as Alarm;
const none = new Map<string, AlarmGroup>();

describe("lines of the list", () => {
  it("puts two hundred alarms of one cause into one line at the place of the first", () => {
    const storm = Array.from({ length: 200 }, (_, place) =>
      alarm(place + 2, { group: "7", priority: (place === 90 ? "high" : "low") as Priority }),
    );
    const lines = linesOf([alarm(1), ...storm, alarm(999)], none, isAsking);
    expect(lines.map((line) => line.key)).toEqual(["1", "g7", "999"]);
    expect(lines[1]?.group?.members.length).toBe(200);
    expect(lines[1]?.group?.worst.id).toBe("92");
    expect(lines[1]?.group?.asking).toBe(200);
  });

  it("knows from the server of a joining that the alarm has not heard of", () => {
    const told = new Map([["7", { id: "7", open_alarms: ["1", "2"] } as AlarmGroup]]);
    expect(linesOf([alarm(1), alarm(2)], told, isAsking).map((line) => line.key)).toEqual(["g7"]);
  });

  it("leaves a single one of a group as itself", () => {
    expect(linesOf([alarm(1, { group: "7" })], none, isAsking)[0]?.key).toBe("1");
  });

  it("does not move what a person reads, nor take away what is over", () => {
    const current = linesOf([alarm(3), alarm(1)], none, isAsking);
    const known = new Map([["2", alarm(2)]]);
    expect(readLines(["1", "2"], current, known).map((line) => line.key)).toEqual(["1", "2"]);
  });
});

describe("figures of pictures and dialogs", () => {
  it("draws the most of each bar's ten minutes", () => {
    expect(binned([0, 3, 1, 0, 9], 2)).toEqual([
      { first: 0, size: 3, most: 3 },
      { first: 3, size: 2, most: 9 },
    ]);
  });

  it("shows days without a call as well", () => {
    const days = everyDay([{ day: "2026-11-02", calls: 4 }], "2026-11-01", "2026-11-03");
    expect(days.map((one) => one.calls)).toEqual([0, 4, 0]);
  });

  it("offers a shelf a day at most", () => {
    const now = Date.parse("2026-11-22T12:00:00Z");
    const last = ends(true, now).at(-1)?.at ?? "";
    expect(Date.parse(last)).toBeLessThan(now + 86_400_000);
    expect(ends(false, now)[0]?.at).toBeNull();
  });
});

describe("the form of a rule", () => {
  it("says every field of its kind and none of another", () => {
    const sent = definitionOf({ ...newDraft("rate"), radius_m: 5 });
    expect(sent).toMatchObject({ kind: "rate", rise: null, fall: null, over: "1h", entity_ids: null });
    expect("radius_m" in sent || "above" in sent).toBe(false);
  });

  it("says what does not hold together before it is sent", () => {
    const level = { ...newDraft("threshold"), above: 50, clear: 55 };
    expect(mistakeOf(level)).toBe("clear");
    expect(mistakeOf({ ...level, clear: 47 })).toBeNull();
    expect(mistakeOf({ ...newDraft("absence"), hold: "0s" })).toBe("hold");
  });

  it("reads the priority off the matrix", () => {
    const matrix: PriorityMatrix = {
      respond_within: ["15m", "1h", "8h", null],
      priority: { severe: ["critical", "critical", "high", "medium"] },
    };
    expect(priorityOf(matrix, "severe", "15m")).toBe("critical");
    expect(priorityOf(matrix, "severe", "8h")).toBe("high");
    expect(priorityOf(matrix, "severe", "1d 6h")).toBe("medium");
  });
});
