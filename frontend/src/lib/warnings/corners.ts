/** Corners of an area as people type them: "43.32, 21.90", one a line. Pure. */
export type Corner = [number, number];

/** The corners, or the number of the first line that is none (from 1). */
export function readCorners(text: string): Corner[] | number {
  const found: Corner[] = [];
  for (const [place, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const numbers = line.trim().split(/[\s,;]+/);
    const [latitude, longitude] = numbers.map(Number);
    const isCorner =
      numbers.length === 2 &&
      latitude !== undefined &&
      longitude !== undefined &&
      Math.abs(latitude) <= 90 &&
      Math.abs(longitude) <= 180;
    if (!isCorner) return place + 1;
    found.push([latitude, longitude]);
  }
  return found;
}

export const writeCorners = (corners: Corner[]): string =>
  corners.map(([latitude, longitude]) => `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`).join("\n");
