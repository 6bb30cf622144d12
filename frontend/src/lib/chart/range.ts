/** The ranges of a chart. Times are epoch milliseconds. */
export const RANGES = {
  "1h": 3600,
  "24h": 86_400,
  "7d": 7 * 86_400,
  "30d": 30 * 86_400,
  "1y": 365 * 86_400,
} as const;
export type RangeName = keyof typeof RANGES | "all";
export const RANGE_NAMES = [...Object.keys(RANGES), "all"] as RangeName[];

export interface Span {
  from: number;
  to: number;
}

/** The range from the address: two explicit times win over a name; the default is a day. */
export function rangeOf(query: URLSearchParams): { name: RangeName | null; span: Span | null } {
  const from = Date.parse(query.get("from") ?? "");
  const to = Date.parse(query.get("to") ?? "");
  if (from < to) return { name: null, span: { from, to } };
  const name = query.get("range") as RangeName | null;
  return { name: name && RANGE_NAMES.includes(name) ? name : "24h", span: null };
}

/** A named range ending at the newest observation of a recorded asset, or now. Null means: all there is. */
export function spanOf(name: RangeName, newest: number): Span | null {
  return name === "all" ? null : { from: newest - RANGES[name] * 1000, to: newest };
}

/** The range moved by a part of itself: -0.5 is half a width earlier. */
export function moved(span: Span, part: number): Span {
  const step = (span.to - span.from) * part;
  return { from: span.from + step, to: span.to + step };
}

/** How often a range that ends now deserves to be fetched again, in milliseconds. */
export const refreshEvery = (span: Span): number =>
  Math.min(60_000, Math.max(4000, (span.to - span.from) / 600));
