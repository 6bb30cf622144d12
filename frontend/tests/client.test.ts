import { afterEach, expect, test, vi } from "vitest";
import { ApiError, get, request } from "../src/lib/api/client";

afterEach(() => vi.restoreAllMocks());

/** A line on which nothing comes back: fetch ends only when it is called off. */
function deadLine() {
  return vi.spyOn(globalThis, "fetch").mockImplementation(
    (_path, rest) =>
      new Promise((_resolve, reject) => {
        rest?.signal?.addEventListener("abort", () => reject(rest.signal?.reason as Error));
      }),
  );
}

/** Lets the test say when the time for reading is over. */
function patience(): () => void {
  const controller = new AbortController();
  vi.spyOn(AbortSignal, "timeout").mockReturnValue(controller.signal);
  return () => controller.abort(new DOMException("The time is over.", "TimeoutError"));
}

test("what only reads is given up when nothing comes back", async () => {
  deadLine();
  const end = patience();
  const asked = get("/api/alarms");
  end();
  await expect(asked).rejects.toMatchObject({ status: 0, code: "unreachable" });
  await expect(asked).rejects.toBeInstanceOf(ApiError);
});

test("what changes something is waited for: nobody could say whether it was done", async () => {
  const line = deadLine();
  const end = patience();
  void request("POST", "/api/incidents", {});
  end();
  expect(line.mock.calls[0]?.[1]?.signal ?? null).toBeNull();
});

test("who calls off what they asked is told so, and not that the server is away", async () => {
  deadLine();
  patience();
  const controller = new AbortController();
  const asked = get("/api/alarms", {}, controller.signal);
  controller.abort();
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
});

test("an answer that breaks off in its middle is a server out of reach", async () => {
  vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response('{"items": ['));
  await expect(get("/api/alarms")).rejects.toMatchObject({ status: 0, code: "unreachable" });
});
