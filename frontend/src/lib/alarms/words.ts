import type { Rule, Service } from "../api/types";
import { city } from "../city.svelte";
import { a } from "../i18n/alarms";
import { t, texts } from "../i18n/index.svelte";
import { SERVICES } from "../icons";
import { roleName } from "../words";
import type { Gathered } from "./lines";

const isService = (name: string): name is Service => (SERVICES as string[]).includes(name);
export const serviceName = (name: string) => (isService(name) ? t(`service.${name}`) : t("service.all"));

/** What the alarms of a group have in common, in words. */
export function groupName(group: Gathered): string {
  const told = group.told;
  if (told?.kind === "related")
    return a("group.related", { name: city.nameOf(told.subject, told.subject_name) });
  return a("group.service", { service: serviceName(group.service) });
}

/** Who answers for a rule: the people of a service, a part of the city's administration, or a role. */
export function ownerName(owner: string): string {
  if (isService(owner)) return serviceName(owner);
  if (owner === "city_it" || owner === "environment") return a(`owner.${owner}`);
  return roleName(owner);
}

export const ruleTitle = (code: string, rules: ReadonlyMap<string, Rule> | null) => {
  const rule = rules?.get(code);
  return rule ? texts(rule.title) : code;
};

/** A length of time as a rule writes it ("1h 30m"), in units that read the same in every language. */
export const durationText = (text: string): string =>
  text.replace(/(\d+)([dhms])/g, (_, n: string, unit: string) => `${n}\u00a0${unit === "m" ? "min" : unit}`);

/** A rule's duration in minutes, for comparing; 0 for what cannot be read. */
export function minutesOf(text: string): number {
  const size: Record<string, number> = { d: 1440, h: 60, m: 1, s: 1 / 60 };
  return [...text.matchAll(/(\d+)([dhms])/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * (size[unit ?? ""] ?? 0),
    0,
  );
}

export const rulesAddress = (code: string) => `/alarms/rules/${encodeURIComponent(code)}`;
