/**
 * Server-sent events over fetch.
 *
 * EventSource hides the heartbeat comments and cannot send the first Last-Event-ID; we need both: the
 * heartbeat tells a quiet city from a cut line, and the id of the first list closes the gap before it.
 */
export interface ServerEvent {
  id: string | null;
  name: string;
  data: string;
}

export class EventParser {
  private buffer = "";
  private id: string | null = null;
  private name = "";
  private data: string[] = [];

  /** Feed a piece of text; returns the events that it completes. */
  push(text: string): ServerEvent[] {
    this.buffer += text;
    const events: ServerEvent[] = [];
    let end: number;
    while ((end = this.buffer.search(/\r\n|\n|\r(?!$)/)) >= 0) {
      const line = this.buffer.slice(0, end);
      this.buffer = this.buffer.slice(end + (this.buffer.startsWith("\r\n", end) ? 2 : 1));
      const event = this.line(line);
      if (event) events.push(event);
    }
    return events;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") {
      const event = this.data.length
        ? { id: this.id, name: this.name || "message", data: this.data.join("\n") }
        : null;
      this.name = "";
      this.data = [];
      return event;
    }
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }
}

export type StreamState = "connecting" | "live" | "cut";

export interface StreamOptions {
  url: string;
  lastEventId: string | null;
  onEvent: (event: ServerEvent) => void;
  onState: (state: StreamState) => void;
  /** Any bytes, heartbeats too. */
  onHeard: () => void;
  onRefused: (status: number) => void;
  silenceMs?: number;
}

/** Keep one stream open until stopped: reconnects from the last id, and takes long silence for a cut. */
export class Stream {
  private stopped = false;
  private resting = false;
  private failures = 0;
  private controller: AbortController | null = null;
  private lastEventId: string | null;
  private wake: (() => void) | null = null;

  constructor(private readonly options: StreamOptions) {
    this.lastEventId = options.lastEventId;
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      this.options.onState(this.failures ? "cut" : "connecting");
      if (this.resting) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      try {
        await this.connection();
      } catch {
        // A failed connection is the normal way for a stream to end; the wait below handles it.
      }
      if (this.stopped) return;
      if (this.resting) {
        this.failures = 0;
        continue;
      }
      this.options.onState("cut");
      this.failures += 1;
      await this.pause(Math.min(500 * 2 ** (this.failures - 1), 10_000) * (0.75 + Math.random() / 2));
    }
  }

  /** The network came or went: end this connection, or stop waiting for the next one. */
  retry(): void {
    this.controller?.abort();
    this.wake?.();
  }

  /** Give the line back while nobody looks: a browser has six of them to a server, and each tab would keep one. */
  rest(): void {
    this.resting = true;
    this.retry();
  }

  /** Somebody looks: connect at once, from the last id. */
  rise(): void {
    this.resting = false;
    this.wake?.();
  }

  stop(): void {
    this.stopped = true;
    this.controller?.abort();
    this.wake?.();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => (clearTimeout(timer), resolve());
    });
  }

  private async connection(): Promise<void> {
    const controller = (this.controller = new AbortController());
    let silence = setTimeout(() => controller.abort(), 30_000);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => controller.abort(), this.options.silenceMs ?? 25_000);
      this.options.onHeard();
    };
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.lastEventId !== null) headers["last-event-id"] = this.lastEventId;
      const response = await fetch(this.options.url, {
        headers,
        signal: controller.signal,
        cache: "no-store",
      });
      if (!response.ok || !response.body) return this.options.onRefused(response.status);
      heard();
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let isLive = false;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        heard();
        if (!isLive) {
          // With its first bytes the server says that it has us among those whom it tells, which no header does.
          isLive = true;
          this.failures = 0;
          this.options.onState("live");
        }
        for (const event of parser.push(value)) {
          if (event.id !== null) this.lastEventId = event.id;
          this.options.onEvent(event);
        }
      }
    } finally {
      clearTimeout(silence);
    }
  }
}
