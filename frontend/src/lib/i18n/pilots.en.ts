import type { Message } from "./message";
import { choose } from "./pilots/choose.en";
import { form } from "./pilots/form.en";
import { ledger } from "./pilots/ledger.en";
import { plan } from "./pilots/plan.en";
import { watch } from "./pilots/watch.en";
import { words } from "./pilots/words.en";

/** English texts of the pilots' screens: plain words first, the term of the trade beside them. */
export const pilotsEn = {
  ...words,
  ...choose,
  ...form,
  ...plan,
  ...watch,
  ...ledger,
} as const satisfies Record<string, Message>;

export type PilotsKey = keyof typeof pilotsEn;
