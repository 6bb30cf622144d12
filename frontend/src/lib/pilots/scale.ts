/** Scales of pictures that are drawn as SVG. Pure. */

export type Scale = (value: number) => number;

/** Map a span of values onto a span of pixels; a span of one value maps to the middle. */
export function linear([low, high]: [number, number], [from, to]: [number, number]): Scale {
  if (high === low) return () => (from + to) / 2;
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** Round values, about `count` of them, inside a span. */
export function ticks(low: number, high: number, count = 5): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const found: number[] = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place += 1)
    found.push(Number((place * step).toPrecision(12)));
  return found;
}

/** The span of all known values, widened by a share on both sides and, where wanted, to hold zero. */
export function extent(
  values: readonly (number | null | undefined)[],
  { pad = 0, zero = false }: { pad?: number; zero?: boolean } = {},
): [number, number] {
  let low = zero ? 0 : Infinity;
  let high = zero ? 0 : -Infinity;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * pad;
  return [zero && low === 0 ? 0 : low - room, zero && high === 0 ? 0 : high + room];
}

interface Ranged {
  value: number | null;
  low: number | null;
  high: number | null;
}

/**
 * One scale for intervals that are compared, zero in it: made for the usual ones.
 *
 * An interval far wider than the others would make dots of them; it runs out of the picture instead.
 */
export function commonDomain(intervals: readonly Ranged[], symmetric = false): [number, number] {
  const reach = intervals
    .map(({ value, low, high }) => Math.max(...[value, low, high].map((one) => Math.abs(one ?? 0))))
    .filter((one) => one > 0)
    .sort((a, b) => a - b);
  const middle = reach[Math.floor((reach.length - 1) / 2)] ?? 1;
  const furthest = Math.max(...intervals.map(({ value }) => Math.abs(value ?? 0)), 0);
  const most = Math.min(reach.at(-1) ?? 1, Math.max(middle * 1.6, furthest * 1.15)) * 1.05;
  if (symmetric) return [-most, most];
  const least = Math.min(0, ...intervals.flatMap(({ value, low }) => [value ?? 0, low ?? 0]));
  return [Math.max(-most, least * 1.05), most];
}

/** An SVG path through points; a null is a gap. */
export function path(points: readonly (readonly [number, number] | null)[]): string {
  let text = "";
  let drawing = false;
  for (const point of points) {
    if (!point) {
      drawing = false;
      continue;
    }
    text += `${drawing ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    drawing = true;
  }
  return text;
}

/** SVG paths that fill between two lines, one closed piece for each stretch in which both are known. */
export function ribbon(
  xs: readonly number[],
  tops: readonly (number | null)[],
  bottoms: readonly (number | null)[],
): string {
  let text = "";
  let piece: [number, number, number][] = [];
  const close = () => {
    if (piece.length > 1) {
      const forth = piece.map(([x, top]) => `${x.toFixed(1)} ${top.toFixed(1)}`);
      const back = [...piece].reverse().map(([x, , bottom]) => `${x.toFixed(1)} ${bottom.toFixed(1)}`);
      text += `M${forth.join("L")}L${back.join("L")}Z`;
    }
    piece = [];
  };
  xs.forEach((x, place) => {
    const [top, bottom] = [tops[place] ?? null, bottoms[place] ?? null];
    if (top === null || bottom === null) close();
    else piece.push([x, top, bottom]);
  });
  close();
  return text;
}

/** Where labels go so that none covers another: each as near its wish as the one above allows. */
export function spread(wishes: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wishes.map((wish, place) => ({ wish, place })).sort((a, b) => a.wish - b.wish);
  const at: number[] = new Array(wishes.length).fill(0);
  let free = low;
  for (const { wish, place } of order) {
    at[place] = Math.max(free, wish);
    free = at[place] + gap;
  }
  let room = high;
  for (const { place } of [...order].reverse()) {
    at[place] = Math.min(at[place] ?? 0, room);
    room = at[place] - gap;
  }
  return at;
}

/** Marks moved so that none covers another: pushed apart along the line between them, by as little as it takes. */
export function apart(
  wishes: readonly { x: number; y: number }[],
  distance: number,
): { x: number; y: number }[] {
  const at = wishes.map((wish) => ({ ...wish }));
  for (let round = 0; round < 60; round += 1) {
    let isFree = true;
    at.forEach((one, place) => {
      for (const other of at.slice(place + 1)) {
        const [dx, dy] = [other.x - one.x, other.y - one.y];
        const far = Math.hypot(dx, dy);
        if (far >= distance - 0.01) continue;
        isFree = false;
        const push = (distance - far) / 2;
        const [ux, uy] = far > 0.01 ? [dx / far, dy / far] : [1, 0];
        one.x -= ux * push;
        one.y -= uy * push;
        other.x += ux * push;
        other.y += uy * push;
      }
    });
    if (isFree) break;
  }
  return at;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const cover = (a: Box, b: Box) =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));

/**
 * Where the name of each point stands: right, left, above or below it, wherever it covers least.
 *
 * `points` are centres with the radius of their mark and the width of their name; all inside `frame`.
 */
export function labelPlaces(
  points: readonly { x: number; y: number; radius: number; width: number }[],
  height: number,
  frame: Box,
): Box[] {
  const marks = points.map(({ x, y, radius }) => ({
    x: x - radius,
    y: y - radius,
    width: radius * 2,
    height: radius * 2,
  }));
  const taken: Box[] = [];
  points.forEach(({ x, y, radius, width }, place) => {
    const far = radius + 4;
    const size = { width, height };
    const tries: Box[] = [
      { x: x + far, y: y - height / 2, ...size },
      { x: x - far - width, y: y - height / 2, ...size },
      { x: x - width / 2, y: y - far - height, ...size },
      { x: x - width / 2, y: y + far, ...size },
      { x: x + far, y: y - far - height, ...size },
      { x: x + far, y: y + far, ...size },
      { x: x - far - width, y: y + far, ...size },
      { x: x - far - width, y: y - far - height, ...size },
    ];
    const cost = (box: Box) => {
      const others = marks.reduce((sum, mark, other) => sum + (other === place ? 0 : cover(box, mark)), 0);
      return (
        others +
        taken.reduce((sum, other) => sum + cover(box, other), 0) +
        (width * height - cover(box, frame)) * 4
      );
    };
    taken.push(tries.reduce((best, box) => (cost(box) < cost(best) - 0.5 ? box : best)));
  });
  return taken;
}
