import { afterEach, describe, expect, it, vi } from "vitest";
import { EventParser, Stream, type ServerEvent } from "../src/lib/stream";

describe("the parser of server-sent events", () => {
  it("reads names, ids and data", () => {
    const events = new EventParser().push('id: 7\nevent: alarm\ndata: {"a":1}\n\n');
    expect(events).toEqual([{ id: "7", name: "alarm", data: '{"a":1}' }]);
  });

  it("joins pieces cut anywhere", () => {
    const parser = new EventParser();
    const text = "event: feed\nid: 12\ndata: Ниш\n\n";
    const events = [...text].flatMap((letter) => parser.push(letter));
    expect(events).toEqual([{ id: "12", name: "feed", data: "Ниш" }]);
  });

  it("passes over comments and keeps the last id", () => {
    const events = new EventParser().push(": still here\n\nid: 3\ndata: x\n\ndata: y\n\n");
    expect(events.map((event) => [event.id, event.data])).toEqual([
      ["3", "x"],
      ["3", "y"],
    ]);
  });

  it("reads lines that end with CRLF", () => {
    expect(new EventParser().push("data: a\r\ndata: b\r\n\r\n")[0]?.data).toBe("a\nb");
  });
});

describe("the stream", () => {
  afterEach(() => vi.unstubAllGlobals());

  const answer = (text: string) =>
    new Response(
      new ReadableStream({ start: (it) => (it.enqueue(new TextEncoder().encode(text)), it.close()) }),
    );

  it("gives its line back while nobody looks, and goes on from where it was", async () => {
    const asked: (string | null)[] = [];
    const states: string[] = [];
    let ended = 0;
    vi.stubGlobal("fetch", (_url: string, options: RequestInit) => {
      asked.push(new Headers(options.headers).get("last-event-id"));
      return Promise.resolve(
        new Response(
          new ReadableStream({
            start: (it) => {
              it.enqueue(new TextEncoder().encode(`id: ${40 + asked.length}\ndata: {}\n\n`));
              options.signal?.addEventListener("abort", () => ((ended += 1), it.error(new Error("aborted"))));
            },
          }),
        ),
      );
    });
    const heard: ServerEvent[] = [];
    const stream = new Stream({
      url: "/stream",
      lastEventId: "40",
      onEvent: (event) => heard.push(event),
      onState: (state) => states.push(state),
      onHeard: () => {},
      onRefused: () => {},
    });
    stream.rest();
    const running = stream.run();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked).toEqual([]);
    stream.rise();
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    stream.rest();
    await vi.waitFor(() => expect(states.at(-1)).toBe("connecting"));
    expect([asked, ended]).toEqual([["40"], 1]);
    stream.rise();
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(asked).toEqual(["40", "41"]);
    expect(states).not.toContain("cut");
    stream.stop();
    await running;
  });

  it("goes on from the last event after a cut", async () => {
    vi.useFakeTimers();
    const asked: (string | null)[] = [];
    const heard: ServerEvent[] = [];
    const states: string[] = [];
    vi.stubGlobal("fetch", (_url: string, options: RequestInit) => {
      asked.push(new Headers(options.headers).get("last-event-id"));
      return Promise.resolve(answer(`id: ${40 + asked.length}\ndata: {}\n\n`));
    });
    const stream = new Stream({
      url: "/stream",
      lastEventId: "40",
      onEvent: (event) => heard.push(event),
      onState: (state) => states.push(state),
      onHeard: () => {},
      onRefused: () => {},
    });
    const running = stream.run();
    await vi.waitFor(() => expect(asked).toHaveLength(2), { timeout: 2000 });
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    stream.stop();
    await running;
    vi.useRealTimers();
    expect(asked.slice(0, 2)).toEqual(["40", "41"]);
    expect(states.slice(0, 3)).toEqual(["connecting", "live", "cut"]);
  });
});
