import { session } from "./session.svelte";
import { t } from "./i18n/index.svelte";
import { ageOf, clock, moment } from "./time";

/** One clock for the whole console, so that all ages step together. */
class Now {
  ms = $state(Date.now());

  start(): void {
    setInterval(() => (this.ms = Date.now()), 1000);
  }
}

export const now = new Now();

/** "6 min ago" in the language of the person. */
export function ageText(iso: string | null): string {
  const age = ageOf(iso, now.ms);
  switch (age.unit) {
    case "never":
      return t("time.never");
    case "ahead":
      return t("time.ahead");
    case "now":
      return t("time.now");
    case "seconds":
      return t("time.secondsAgo", { n: age.n });
    case "minutes":
      return t("time.minutesAgo", { n: age.n });
    case "hours":
      return t("time.hoursAgo", { n: age.n });
    case "days":
      return t("time.daysAgo", { n: age.n });
  }
}

export const timeText = (iso: string | null, seconds = false): string =>
  iso ? moment(Date.parse(iso), now.ms, session.zone, seconds) : t("time.never");
export const clockText = (iso: string | null): string =>
  iso ? clock(Date.parse(iso), session.zone) : t("time.never");
/** "14:32 (6 min ago)" */
export const timeAndAge = (iso: string | null): string =>
  iso ? `${timeText(iso)} (${ageText(iso)})` : t("time.never");
