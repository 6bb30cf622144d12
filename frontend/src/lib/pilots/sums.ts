import type { LedgerSum } from "../api/pilots";
import { p } from "../i18n/pilots";
import { symbol } from "../units";
import { amount, money } from "./figures";
import { numberCell, textCell, type Table } from "./table";

/** Sums of the ledger as rows: one column each for money and tonnes with their bands, and one for the rest. */
export function sumTable(
  rows: readonly LedgerSum[],
  nameOf: (row: LedgerSum) => string,
  heading: string,
  withAll: boolean,
  currency: string,
): Table {
  const number = (value: string | number | null | undefined) =>
    value === null || value === undefined || value === "" ? null : Number(value);
  const units = [...new Set(rows.flatMap((row) => (withAll ? row.all : row).savings.map((one) => one.unit)))];
  return {
    columns: [
      { text: heading },
      { text: p("column.entries"), number: true },
      { text: `${p("column.money")} [${currency}]`, number: true },
      { text: p("column.low"), number: true },
      { text: p("column.high"), number: true },
      { text: "CO₂ [t]", number: true },
      { text: p("column.low"), number: true },
      { text: p("column.high"), number: true },
      ...units.flatMap((unit) => [
        { text: `${p("total.saved")} [${symbol(unit)}]`, number: true },
        { text: p("column.low"), number: true },
        { text: p("column.high"), number: true },
      ]),
    ],
    rows: rows.map((row) => {
      const sums = withAll ? row.all : row;
      const moneyCell = (value: string | null | undefined) =>
        numberCell(number(value), value ? money(value, currency) : "");
      const amountCell = (value: number | string | null | undefined, unit: string) =>
        numberCell(number(value), value === null || value === undefined ? "" : amount(value, unit));
      return [
        textCell(row.simulated ? `${nameOf(row)} (${p("simulated")})` : nameOf(row)),
        numberCell(row.entries, String(row.entries)),
        moneyCell(sums.money?.value),
        moneyCell(sums.money?.low),
        moneyCell(sums.money?.high),
        amountCell(sums.tonnes?.value, "TNE"),
        amountCell(sums.tonnes?.low, "TNE"),
        amountCell(sums.tonnes?.high, "TNE"),
        ...units.flatMap((unit) => {
          const one = sums.savings.find((other) => other.unit === unit);
          return [amountCell(one?.value, unit), amountCell(one?.low, unit), amountCell(one?.high, unit)];
        }),
      ];
    }),
  };
}
