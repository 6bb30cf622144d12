import { inScript, t } from "../i18n/index.svelte";
import { known } from "../i18n/pilots";
import { SERVICES } from "../icons";

/** The name of a group of ledger entries: a service, a year, a service in a year, a fund. */
export function sumName(group: "service" | "year" | "service_year" | "fund", key: string): string {
  if (group === "service_year") {
    const [name = "", year = ""] = key.split("/");
    return `${sumName("service", name)}, ${year}`;
  }
  const service = group === "service" ? SERVICES.find((name) => name === key) : undefined;
  if (service) return t(`service.${service}`);
  return (group === "fund" ? known("fund", key) : null) ?? inScript(key);
}
