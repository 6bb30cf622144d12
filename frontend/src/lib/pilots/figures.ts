/** Figures as people read them: shares, amounts with their unit, dinars. */
import { grouped, short, symbol } from "../units";
import { p } from "../i18n/pilots";

const NBSP = "\u00a0";
const isKnown = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** A share as per cent: whole above ten, one decimal below. */
export function percent(fraction: number | null | undefined, decimals?: number): string {
  if (!isKnown(fraction)) return p("unknown");
  const value = fraction * 100;
  const digits = decimals ?? (Math.abs(value) >= 9.95 || Number.isInteger(value) ? 0 : 1);
  return `${grouped((Number(value.toFixed(digits)) || 0).toFixed(digits))}${NBSP}%`;
}

/** A share that people agreed on, as exact as it was typed: 33.33 %. */
export const agreedShare = (share: number): string =>
  `${grouped(String(Number((share * 100).toFixed(2))))}${NBSP}%`;

/** An amount in three significant digits at most, with its unit. */
export function amount(value: number | string | null | undefined, unit: string | null): string {
  const number = typeof value === "string" ? Number(value) : value;
  if (!isKnown(number)) return p("unknown");
  const sign = symbol(unit);
  return sign ? `${figure(number)}${NBSP}${sign}` : figure(number);
}

/** A number for reading: whole above a hundred, three significant digits below. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return grouped((Math.round(value) || 0).toFixed(0));
  return value === 0 ? "0" : grouped(String(Number(value.toPrecision(3))));
}

/** Dinars: whole below a million, then in millions with one decimal. The text of a decimal or a number. */
export function money(value: string | number | null | undefined, currency = "RSD"): string {
  const number = value === null || value === undefined ? NaN : Number(value);
  if (!Number.isFinite(number)) return p("unknown");
  if (Math.abs(number) < 1e6) return `${grouped((Math.round(number) || 0).toFixed(0))}${NBSP}${currency}`;
  const millions = number / 1e6;
  const text = Math.abs(millions) >= 100 ? millions.toFixed(0) : Number(millions.toFixed(1)).toString();
  return p("millions", { value: grouped(text), currency });
}

/** A price's or factor's unit with the symbol of what it counts: RSD/KWH as RSD/kWh. */
export function perUnit(unit: string): string {
  const [money, per] = unit.split("/");
  return per ? `${money}/${symbol(per) || per}` : unit;
}

/** A range as people read it; where an end is not known, that the range is not. */
export const band = (low: string, high: string): string =>
  low === p("unknown") && high === p("unknown") ? p("sum.noBand") : p("sum.band", { low, high });

/** A multiple for axes: short numbers without a unit. */
export const axis = (value: number): string =>
  Math.abs(value) >= 1e6
    ? p("axis.millions", { value: short(value / 1e6) })
    : short(value).replace(/^-/, "−");

/** 2026-03-01 as 1.3.2026, as everywhere in the console. */
export function dayText(iso: string | null | undefined): string {
  const found = iso ? /^(\d{4})-(\d{2})-(\d{2})/.exec(iso) : null;
  return found ? `${Number(found[3])}.${Number(found[2])}.${found[1]}` : p("unknown");
}

export const daysText = (days: { first?: string; last?: string } | null | undefined): string =>
  days?.first && days.last ? `${dayText(days.first)} – ${dayText(days.last)}` : p("unknown");
