/** The table twin of a picture: the same figures as rows, for reading and for a CSV file. */

export type Cell = string | number | null;

export interface Table {
  columns: { text: string; number?: boolean }[];
  rows: { text: string; exact: Cell }[][];
}

const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
// A text that begins like a formula would be computed by a spreadsheet: a name is never a command.
const harmless = (text: string) => (/^[=+@\t\r]|^-\D/.test(text) ? `'${text}` : text);
const cell = (value: Cell) =>
  value === null ? "" : typeof value === "number" ? String(value) : quoted(harmless(value));

/** What is seen, with exact figures, as CSV. */
export function csv(table: Table): string {
  const head = table.columns.map(({ text }) => cell(text)).join(",");
  return (
    [head, ...table.rows.map((row) => row.map(({ exact }) => cell(exact)).join(","))].join("\r\n") + "\r\n"
  );
}

/** A cell of text alone, or of a number with the text that people read. */
export const textCell = (text: string) => ({ text, exact: text });
export const numberCell = (exact: number | null | undefined, text: string) => ({
  text,
  exact: exact ?? null,
});
