import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { standing } from "../src/lib/alarms/answers";
import { readAssetLines } from "../src/lib/api/assetlist";
import type { Alarm, AssetSummary } from "../src/lib/api/types";
import { City } from "../src/lib/city.svelte";
import { preferences } from "../src/lib/preferences.svelte";

const asset = (id: string): AssetSummary => ({
  id,
  name: id,
  name_en: null,
  service: "waste",
  type: "WasteContainer",
  place: [21.9, 43.3],
  state: "normal",
  origin: "real",
  observed_at: null,
  recorded_at: null,
  headline: null,
});

describe("the living picture of the city", () => {
  let city: City;
  beforeEach(() => {
    vi.useFakeTimers();
    city = new City();
    city.replaceAssets(new Map(["a", "b"].map((id) => [id, asset(id)])));
  });

  it("forgets deleted assets at once and tells who shows them", () => {
    const told: string[] = [];
    city.onAsset(({ id }) => told.push(id));
    const before = city.listing;
    city.apply({ id: "7", name: "gone", data: '{"ids":["a","never-seen"]}' });
    expect([...city.assets.keys()]).toEqual(["b"]);
    expect(city.foldedName("a")).toBe("");
    expect(city.listing).toBe(before + 1);
    expect(told).toEqual(["a"]);
  });

  it("keeps the newer of two answers to one alarm, in whatever order they come", () => {
    const alarm = (version: number, more: object = {}) => ({ id: "7", version, ...more }) as Alarm;
    city.putAlarm(alarm(12, { state: "acknowledged" }));
    city.putAlarm(alarm(11, { state: "raised" }));
    city.apply({ id: "9", name: "alarm", data: JSON.stringify({ alarm: alarm(10, { state: "raised" }) }) });
    expect(city.alarms.get("7")).toMatchObject({ version: 12, state: "acknowledged" });
    city.putAlarm(alarm(12, { state: "acknowledged", count: 2 }));
    expect(city.alarms.get("7")).toMatchObject({ count: 2 });
    city.putAlarm(alarm(13, { state: "cleared" }));
    expect(city.alarms.get("7")).toMatchObject({ state: "cleared" });
  });

  it("lays an older answer of a list under what the stream told, and a newer one over it", () => {
    const alarm = (version: number, more: object = {}) => ({ id: "7", version, ...more }) as Alarm;
    const live = new Map([["7", alarm(12, { hidden_by: "shelved" })]]);
    const older = new Map([["7", alarm(11, { hidden_by: null, holds: [] })]]);
    const holds = [{ id: "1" }] as Alarm["holds"];
    const same = new Map([["7", alarm(12, { hidden_by: "shelved", holds })]]);
    const later = new Map([["7", alarm(13, { hidden_by: null })]]);
    expect(standing(older, live).get("7")).toEqual(alarm(12, { hidden_by: "shelved" }));
    expect(standing(same, live).get("7")?.holds).toBe(holds);
    expect(standing(later, live).get("7")?.hidden_by).toBeNull();
  });

  it("calls by its English name, for who reads English, what an alarm knows by its Serbian one", () => {
    city.replaceAssets(new Map([["a", { ...asset("a"), name: "Светиљка 12", name_en: "Luminaire 12" }]]));
    preferences.language = "en";
    expect(city.nameOf("a", "Светиљка 12")).toBe("Luminaire 12");
    expect(city.foldedName("a")).toContain("luminaire 12");
    city.replaceAssets(new Map([["a", { ...asset("a"), name_en: "Camera 7, Његошева" }]]));
    expect(city.nameOf("a", "Камера 7, Његошева")).toBe("Camera 7, Njegoševa");
    expect(city.nameOf("gone", "Светиљка 13")).toBe("Svetiljka 13");
    preferences.language = "sr-Cyrl";
    expect(city.nameOf("a", "Светиљка 12, Мост")).toBe("Светиљка 12, Мост");
    preferences.language = "sr-Latn";
    expect(city.nameOf("a", "Светиљка 12")).toBe("Svetiljka 12");
  });

  it("does not rebuild its lists for assets that it never showed", () => {
    const before = city.listing;
    city.apply({ id: "7", name: "gone", data: '{"ids":["never-seen"]}' });
    expect(city.listing).toBe(before);
  });

  it("keeps who put an alarm aside, which the stream does not tell, for as long as that lasts", () => {
    const holds = [{ id: "1", placed_by: "Милена" }] as Alarm["holds"];
    city.putAlarm({ id: "7", hidden_by: "shelved", holds } as Alarm);
    const tell = (alarm: object) => city.apply({ id: "9", name: "alarm", data: JSON.stringify({ alarm }) });
    tell({ id: "7", hidden_by: "shelved", count: 2 });
    expect(city.alarms.get("7")).toMatchObject({ holds, count: 2 });
    tell({ id: "7", hidden_by: null });
    expect(city.alarms.get("7")?.holds).toBeUndefined();
  });

  describe("reads its lists once the stream tells it what changes", () => {
    const list = '{"position":7,"generated_at":"2026-11-23T01:00:00Z","assets":0}\n';
    const bytes = (text: string) => new TextEncoder().encode(text);
    let asked: string[];
    let alarms: Promise<Response>[];
    let join: (text?: string) => void;
    const times = (part: string) => asked.filter((address) => address.includes(part)).length;
    const turn = () => vi.advanceTimersByTimeAsync(1);

    beforeEach(() => {
      asked = [];
      alarms = [];
      const page = { addEventListener: () => {}, removeEventListener: () => {} };
      vi.stubGlobal("window", page);
      vi.stubGlobal("document", { ...page, hidden: false });
      const line = new ReadableStream<Uint8Array>({
        start: (controller) => void (join = (text = "retry: 2000\n\n") => controller.enqueue(bytes(text))),
      });
      vi.stubGlobal("fetch", async (address: string) => {
        asked.push(address);
        if (address.includes("/stream")) return new Response(line);
        if (address.includes("/vitals")) return new Promise<Response>(() => {});
        if (address.includes("ndjson")) return new Response(list);
        if (address.includes("/alarms")) return alarms.shift() ?? Response.json({ items: [] });
        return Response.json({ items: [] });
      });
    });
    afterEach(() => (city.stop(), vi.unstubAllGlobals()));

    it("and not before; its vital signs may take longer", async () => {
      void city.start();
      await turn();
      expect([asked, city.joined]).toEqual([["/api/console/stream"], false]);
      join();
      await turn();
      expect([city.joined, city.loaded, city.vitalsKnown]).toEqual([true, true, false]);
      expect([times("/stream"), times("/alarms"), times("/feed")]).toEqual([1, 1, 1]);
    });

    it("and asks for vital signs again only when the last asking is over", async () => {
      void city.start();
      join();
      await vi.advanceTimersByTimeAsync(40_000);
      expect(times("/vitals")).toBe(1);
    });

    it("and takes no older list of alarms after a newer one", async () => {
      const answers: ((answer: Response) => void)[] = [];
      void city.start();
      join();
      await turn();
      alarms = [1, 2].map(() => new Promise((resolve) => answers.push(resolve)));
      for (let readings = 0; readings < 2; readings++) city.apply({ id: "9", name: "reset", data: "{}" });
      await turn();
      answers[1]?.(Response.json({ items: [{ id: "new", state: "active" }] }));
      await turn();
      answers[0]?.(Response.json({ items: [{ id: "old", state: "active" }] }));
      await turn();
      expect([...city.alarms.keys()]).toEqual(["new"]);
    });

    it("nothing for one who has left meanwhile", async () => {
      void city.start();
      city.stop();
      join();
      await turn();
      expect([city.joined, times("/alarms")]).toEqual([false, 0]);
    });

    it("or without, when it does not answer, and once more when it does", async () => {
      void city.start();
      await vi.advanceTimersByTimeAsync(2000);
      expect([city.stream, city.loaded, times("/alarms")]).toEqual(["connecting", true, 1]);
      join();
      await turn();
      expect([city.stream, times("/alarms")]).toEqual(["live", 2]);
    });

    it("and keeps what the stream told of alarms while their list was on its way", async () => {
      let answer: (answer: Response) => void = () => {};
      alarms = [new Promise((resolve) => (answer = resolve))];
      void city.start();
      await turn();
      join();
      await turn();
      join('event: alarm\ndata: {"alarm":{"id":"1","state":"active"}}\n\n');
      await turn();
      answer(Response.json({ items: [{ id: "2", state: "active" }] }));
      await turn();
      expect([...city.alarms.keys()].sort()).toEqual(["1", "2"]);
    });
  });

  it("takes again what the stream told while the list was on its way, and nothing from before it", async () => {
    vi.useRealTimers();
    const head = '{"position":7,"generated_at":"2026-11-23T01:00:00Z","assets":1}\n';
    let finish = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(head));
        finish = () => (controller.enqueue(new TextEncoder().encode(`${LINE}\n`)), controller.close());
      },
    });
    vi.stubGlobal("fetch", async () => new Response(body));
    const reading = city["loadAssets"]();
    city.apply({ id: "6", name: "state", data: `{"id":"${BIN}","state":"critical"}` });
    city.apply({ id: "8", name: "state", data: `{"id":"${BIN}","state":"high"}` });
    finish();
    await reading;
    vi.unstubAllGlobals();
    expect(city.assets.get(BIN)?.state).toBe("high");
    expect([...city.assets.keys()]).toEqual([BIN]);
  });
});

const BIN = "urn:ngsi-ld:WasteContainer:nis:b1";
const LINE = JSON.stringify({
  n: 1,
  prefixes: ["urn:ngsi-ld:WasteContainer:nis:"],
  types: [["WasteContainer", "waste", "fillingLevel"]],
  units: ["%"],
  id: ["b1"],
  prefix: { all: 0 },
  type: { all: 0 },
  name: ["Контејнер 1"],
  name_en: ["Container 1"],
  lon: [21900000],
  lat: [null],
  state: { all: "normal" },
  origin: { all: "real" },
  recorded: [60],
  observed: { all: 5 },
  value: [0.4],
  unit: [0],
});

describe("the list of assets", () => {
  const lines = (...parts: string[]) =>
    readAssetLines(
      new ReadableStream<string>({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      }).getReader(),
    );
  const head = '{"position":7,"generated_at":"2026-11-23T01:00:00Z","assets":1}\n';

  it("is read from columns, however its lines are cut on the way", async () => {
    const { position, assets } = await lines(
      head.slice(0, 9),
      head.slice(9) + LINE.slice(0, 40),
      `${LINE.slice(40)}\n`,
    );
    expect(position).toBe(7);
    expect(assets.get(BIN)).toEqual({
      id: BIN,
      name: "Контејнер 1",
      name_en: "Container 1",
      service: "waste",
      type: "WasteContainer",
      place: null,
      state: "normal",
      origin: "real",
      observed_at: "2026-11-23T00:58:55.000Z",
      recorded_at: "2026-11-23T00:59:00.000Z",
      headline: { attribute: "fillingLevel", label_key: "fillingLevel", value: 0.4, unit: "%" },
    });
  });

  it("that was cut off is none", async () => {
    await expect(lines(head)).rejects.toThrow();
  });
});
