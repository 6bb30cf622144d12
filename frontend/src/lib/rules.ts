import type { Rule } from "./api/types";
import { attributeName, capital, t } from "./i18n/index.svelte";
import { measured } from "./measured.svelte";
import { requestCodes } from "./requests/codes.svelte";
import { full } from "./units";
import { valueWord } from "./words";

const plain = (name: string | undefined) => attributeName(name ?? "");

/** A length of time of a rule's file ("1h30m") as people write it. */
const length = (text: string) =>
  text
    .replace(
      /(\d)\s*([dhms])\s*(?=\d|$)/g,
      (_, digit: string, unit: string) => `${digit}\u00a0${unit === "m" ? "min" : unit} `,
    )
    .trim();

/** What a rule looks for, in one line, from its own figures. */
export const ruleSentence = (rule: Rule): string => capital(sentence(rule));

function sentence(rule: Rule): string {
  const attribute = plain(rule.attribute);
  const limit = (value: number) => measured.limit(value, rule.entity_types?.[0], rule.attribute);
  const held = rule.hold && rule.hold !== "0s" ? ` ${t("rules.held", { hold: length(rule.hold) })}` : "";
  switch (rule.kind) {
    case "threshold":
      return (
        (rule.above != null
          ? t("rules.above", { attribute, n: limit(rule.above) })
          : t("rules.below", { attribute, n: limit(rule.below ?? 0) })) + held
      );
    case "deviation":
      return (
        (rule.above != null
          ? t("rules.deviationAbove", { attribute, n: limit(rule.above), reference: plain(rule.reference) })
          : t("rules.deviationBelow", {
              attribute,
              n: limit(rule.below ?? 0),
              reference: plain(rule.reference),
            })) + held
      );
    case "rate":
      return (
        (rule.rise != null
          ? t("rules.rise", { attribute, n: limit(rule.rise), over: length(rule.over ?? "") })
          : t("rules.fall", { attribute, n: limit(rule.fall ?? 0), over: length(rule.over ?? "") })) + held
      );
    case "state":
      return (
        t("rules.is", { attribute, values: (rule.values ?? []).map(String).map(valueWord).join(", ") }) + held
      );
    case "quality":
      return t("rules.quality", { n: full(rule.bad ?? 2) });
    case "silence":
      return t("rules.silence", { n: full(rule.intervals ?? 3) });
    case "absence":
      return t("rules.absence", { attribute }) + held;
    case "geofence":
      return t(rule.must_be === "outside" ? "rules.mustBeOutside" : "rules.mustBeInside") + held;
    case "forecast":
      return t("rules.unusual", { attribute, n: limit(rule.margin ?? 0) }) + held;
    case "neighbours":
      return t("rules.neighbours", { attribute, n: full(rule.distance ?? 0) }) + held;
    case "requests":
      return t("rules.requests", {
        n: rule.at_least ?? 1,
        codes: (rule.service_codes ?? []).map((code) => requestCodes.nameOf(code)).join(", "),
        metres: full(rule.radius_m ?? 200),
        within: length(rule.within ?? "1h"),
      });
    case "combination": {
      const of = rule.of?.length ?? 0;
      return t("rules.combination", { n: rule.at_least ?? of, of }) + held;
    }
  }
}
