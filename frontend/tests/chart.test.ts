import { describe, expect, it } from "vitest";
import { historyCsv } from "../src/lib/chart/csv";
import { moved, rangeOf, spanOf } from "../src/lib/chart/range";
import { locate } from "../src/lib/router.svelte";
import { full, parts, short, symbol } from "../src/lib/units";

const word = (value: string) => value;

describe("ranges", () => {
  it("read the address: two times win over a name, a day is the default", () => {
    expect(rangeOf(new URLSearchParams("")).name).toBe("24h");
    expect(rangeOf(new URLSearchParams("range=1y")).name).toBe("1y");
    const zoomed = rangeOf(new URLSearchParams("range=1y&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"));
    expect(zoomed).toEqual({ name: null, span: { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 0, 2) } });
  });

  it("end at the newest observation, which for a recording is long ago", () => {
    const newest = Date.UTC(2019, 0, 15);
    expect(spanOf("1h", newest)).toEqual({ from: newest - 3_600_000, to: newest });
    expect(spanOf("all", newest)).toBeNull();
  });

  it("move by parts of themselves", () => {
    expect(moved({ from: 100, to: 200 }, -0.5)).toEqual({ from: 50, to: 150 });
  });
});

it("saves what is seen as CSV, gaps empty", () => {
  const csv = historyCsv({
    from: "",
    to: "",
    resolution: "hour",
    events: [],
    series: [
      {
        attribute: "flow",
        unit: "m³/h",
        times: [0, 3600],
        values: [1.5, null],
        minimum: [1, null],
        maximum: [2, null],
      },
    ],
  });
  expect(csv.split("\r\n")).toEqual([
    "time,flow [m³/h],flow minimum [m³/h],flow maximum [m³/h]",
    "1970-01-01T00:00:00.000Z,1.5,1,2",
    "1970-01-01T01:00:00.000Z,,,",
    "",
  ]);
});

describe("values", () => {
  it("are short on tiles and full elsewhere", () => {
    expect([0.034, 1.26, 71.9, 12_345.6, -2.1].map(short)).toEqual([
      "0.034",
      "1.3",
      "72",
      "12\u202f346",
      "−2.1",
    ]);
    expect(full(63.590807400000003)).toBe("63.5908074");
  });

  it("show shares as per cent and codes as symbols", () => {
    expect(parts(0.93, null, "fillingLevel", "short", word)).toEqual({ text: "93", unit: "%" });
    expect(symbol("CEL")).toBe("°C");
    expect(symbol("°C")).toBe("°C");
  });
});

describe("addresses", () => {
  it.each([
    ["/", "situation", ""],
    ["/situation", "situation", ""],
    ["/assets/urn:ngsi-ld:HeatSubstation:nis:heat-l8", "asset", "urn:ngsi-ld:HeatSubstation:nis:heat-l8"],
    ["/devices/nis%20heat", "device", "nis heat"],
    ["/dead-letters", "dead-letters", ""],
    ["/nothing", "missing", ""],
  ])("%s is the screen %s", (path, screen, id) => {
    expect(locate(path, "")).toMatchObject({ screen, id });
  });
});
