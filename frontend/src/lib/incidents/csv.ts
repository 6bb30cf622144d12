import type { Incident } from "../api/incidents.types";
import { titleOf } from "./words";

const COLUMNS = [
  "number", "type", "severity", "state", "title", "address", "latitude", "longitude", "opened_at", "opened_by",
  "opened_from", "contained_at", "closed_at", "closed_by", "cause", "lesson", "merged_into", "split_from", "alarms",
  "origin", "exercise",
] as const; // prettier-ignore

/** A cell that a spreadsheet takes as text: formulas begin with a sign that an apostrophe disarms. */
function cell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Incidents as a CSV file, times in UTC. */
export function csvOf(incidents: Incident[]): string {
  const rows = incidents.map((one) => {
    const values: Record<(typeof COLUMNS)[number], unknown> = {
      ...one,
      title: titleOf(one),
      latitude: one.place?.coordinates[1],
      longitude: one.place?.coordinates[0],
      merged_into: one.merged_into?.number,
      split_from: one.split_from?.number,
      alarms: one.alarms.total,
    };
    return COLUMNS.map((name) => cell(values[name])).join(",");
  });
  return [COLUMNS.join(","), ...rows].join("\r\n") + "\r\n";
}
