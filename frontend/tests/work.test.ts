import { expect, test } from "vitest";
import { work, type WorkEvent } from "../src/lib/work";

const event = (id: string, data: unknown): WorkEvent => ({
  id,
  topic: "request",
  subject: "r",
  at: "2026-11-23T05:00:00Z",
  data,
});

test("what the stream tells while a list is read is told again when the list is there", async () => {
  let list: string[] = [];
  const stop = work.on<string>("request", ({ data }) => (list = [...list, data]));
  await work.reading("request", async () => {
    work.tell(event("1", "third"));
    await Promise.resolve();
    list = ["first", "second"]; // from before the third
  });
  expect(list).toEqual(["first", "second", "third"]);
  work.tell(event("2", "fourth"));
  expect(list).toEqual(["first", "second", "third", "fourth"]);
  stop();
});

test("a list that cannot be read keeps nothing from who follows", async () => {
  const told: string[] = [];
  const stop = work.on<string>("request", ({ data }) => told.push(data));
  const reading = work.reading("request", () => Promise.reject(new Error("cut")));
  await expect(reading).rejects.toThrow("cut");
  work.tell(event("1", "one"));
  expect(told).toEqual(["one"]);
  stop();
});
