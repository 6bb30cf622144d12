import type { History } from "../api/types";

const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** What a chart shows, as CSV: one row a time, one column an attribute, with lowest and highest when averaged. */
export function historyCsv(history: History): string {
  const columns: { title: string; at: Map<number, number | null> }[] = [];
  for (const series of history.series) {
    const unit = series.unit ? ` [${series.unit}]` : "";
    const add = (suffix: string, values: (number | null)[] | null) => {
      if (values)
        columns.push({
          title: series.attribute + suffix + unit,
          at: new Map(series.times.map((time, place) => [time, values[place] ?? null])),
        });
    };
    add("", series.values);
    add(" minimum", series.minimum);
    add(" maximum", series.maximum);
  }
  const times = [...new Set(history.series.flatMap((series) => series.times))].sort((a, b) => a - b);
  const head = ["time", ...columns.map((column) => cell(column.title))].join(",");
  const rows = times.map((time) =>
    [new Date(time * 1000).toISOString(), ...columns.map((column) => column.at.get(time) ?? "")].join(","),
  );
  return [head, ...rows].join("\r\n") + "\r\n";
}
