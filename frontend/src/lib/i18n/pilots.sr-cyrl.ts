import type { Message } from "./message";
import type { PilotsKey } from "./pilots.en";
import { choose } from "./pilots/choose.sr-cyrl";
import { form } from "./pilots/form.sr-cyrl";
import { ledger } from "./pilots/ledger.sr-cyrl";
import { plan } from "./pilots/plan.sr-cyrl";
import { watch } from "./pilots/watch.sr-cyrl";
import { words } from "./pilots/words.sr-cyrl";

/** Serbian in Cyrillic; Latin is derived from it. */
export const pilotsSrCyrl: Record<PilotsKey, Message> = {
  ...words,
  ...choose,
  ...form,
  ...plan,
  ...watch,
  ...ledger,
};
