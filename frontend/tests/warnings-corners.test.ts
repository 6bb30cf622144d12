import { expect, test } from "vitest";
import { readCorners, writeCorners } from "../src/lib/warnings/corners";

test("corners are read as people type them, and the line that is none is named", () => {
  expect(readCorners("43.32, 21.90\n\n 43 21.5 \n")).toEqual([
    [43.32, 21.9],
    [43, 21.5],
  ]);
  expect(readCorners("43.32, 21.90\nNišava")).toBe(2);
  expect(readCorners("95, 21")).toBe(1);
  expect(readCorners(writeCorners([[43.32, 21.9]]))).toEqual([[43.32, 21.9]]);
});
