import type { Value } from "./api/types";
import { preferences } from "./preferences.svelte";

/** UN/CEFACT common codes that the city uses, as people write them. `times` converts shares to per cent. */
const UNITS: Record<string, { symbol: string; times?: number }> = {
  "4N": { symbol: "MPa" },
  A97: { symbol: "hPa" },
  AMP: { symbol: "A" },
  BAR: { symbol: "bar" },
  C62: { symbol: "" },
  CEL: { symbol: "°C" },
  DD: { symbol: "°" },
  GQ: { symbol: "µg/m³" },
  HTZ: { symbol: "Hz" },
  HUR: { symbol: "h" },
  KGM: { symbol: "kg" },
  KMH: { symbol: "km/h" },
  KMT: { symbol: "km" },
  KWH: { symbol: "kWh" },
  KWT: { symbol: "kW" },
  LTR: { symbol: "l" },
  LUX: { symbol: "lx" },
  MBR: { symbol: "mbar" },
  MIN: { symbol: "min" },
  MQH: { symbol: "m³/h" },
  MTQ: { symbol: "m³" },
  MTR: { symbol: "m" },
  MTS: { symbol: "m/s" },
  MWH: { symbol: "MWh" },
  P1: { symbol: "%" },
  PAL: { symbol: "Pa" },
  SEC: { symbol: "s" },
  TNE: { symbol: "t" },
  VLT: { symbol: "V" },
  WHR: { symbol: "Wh" },
  WTT: { symbol: "W" },
};

/** Every code that has a sign of its own. */
export const UNIT_CODES: readonly string[] = Object.keys(UNITS).filter((code) => code !== "C62");

/** Attributes that Smart Data Models define as a share from 0 to 1; people read per cent. */
const SHARES = new Set(["fillingLevel", "illuminanceLevel", "occupancy", "relativeHumidity", "batteryLevel"]);

/** Whether a number is a share of one, and so shown as per cent. */
export const isShare = (attribute: string | null, unit: string | null): boolean =>
  !!attribute && SHARES.has(attribute) && (unit === null || unit === "C62" || unit === "");

export function symbol(unit: string | null, attribute: string | null = null): string {
  if (isShare(attribute, unit)) return "%";
  return unit === null ? "" : (UNITS[unit]?.symbol ?? unit);
}

/** A number in the unit that people read (shares as per cent). */
export const scaled = (value: number, unit: string | null, attribute: string | null = null): number =>
  isShare(attribute, unit) ? value * 100 : value;

/** Group thousands by a narrow no-break space; decimals after a comma in Serbian, after a point in English. */
export function grouped(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const digits = whole.replace("-", "");
  const groups = digits.length > 4 ? digits.replace(/\B(?=(\d{3})+$)/g, "\u202f") : digits;
  return (
    (whole.startsWith("-") ? "−" : "") +
    groups +
    (fraction === undefined ? "" : `${preferences.language === "en" ? "." : ","}${fraction}`)
  );
}

/** A number for a tile: two significant digits for small ones, never fewer than the whole part. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 10) return grouped(value.toFixed(0));
  if (size >= 1) return grouped(value.toFixed(1));
  return grouped(Number(value.toPrecision(2)).toString());
}

/** A number with all that was measured, without the noise of binary fractions. */
export const full = (value: number): string => grouped(String(Number(value.toPrecision(10))));

/** How far something is: whole metres, from a kilometre on kilometres with one decimal. */
export const metresText = (metres: number): string =>
  Math.round(metres) < 1000 ? `${Math.round(metres)} m` : `${grouped((metres / 1000).toFixed(1))} km`;

/** The text of any value and its unit apart, so that both can be set in different type. */
export function parts(
  value: Value,
  unit: string | null,
  attribute: string | null,
  precision: "short" | "full",
  word: (value: string) => string,
): { text: string; unit: string } {
  if (value === null || value === undefined) return { text: word("none"), unit: "" };
  if (typeof value === "number") {
    const number = scaled(value, unit, attribute);
    return { text: precision === "short" ? short(number) : full(number), unit: symbol(unit, attribute) };
  }
  if (typeof value === "boolean") return { text: word(String(value)), unit: "" };
  if (typeof value === "string") return { text: word(value), unit: "" };
  return { text: JSON.stringify(value), unit: "" };
}
