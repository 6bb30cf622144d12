import type { Entry, Incident, Link } from "../api/incidents.types";
import type { Texts } from "../api/types";
import { city } from "../city.svelte";
import { i, known } from "../i18n/incidents";
import { alarmText, inScript, texts } from "../i18n/index.svelte";
import { requests } from "../requests/store.svelte";
import { whatText, whereText } from "../requests/words";
import { SEVERITIES } from "./shapes";
import { incidents } from "./store.svelte";

export const titleOf = (incident: Pick<Incident, "title" | "titles">): string =>
  inScript(incident.titles ? texts(incident.titles) : incident.title);

export function typeName(code: string): string {
  const type = incidents.type(code);
  return type ? texts(type.title) : code;
}

/** An incident that something else points at: its number and title where it runs, else only that it is one. */
export function incidentName(id: string): string {
  const incident = incidents.all.get(id);
  return incident ? `${incident.number}, ${titleOf(incident)}` : i("column.incident");
}

type Named = Link & { name?: string | null };

/** What hangs on an incident, as people call it; of what is not at hand at least its kind, never a long identifier. */
export function linkText(link: Named): string {
  const name = link.name ? city.nameOf(link.target, link.name) : knownName(link);
  if (name) return name;
  const kind = i(`kind.${link.kind}`);
  return /^\d+$/.test(link.target) ? `${kind} ${link.target}` : kind;
}

function knownName({ kind, target }: Link): string {
  if (kind === "asset") return city.nameOf(target, city.assets.get(target)?.name);
  if (kind === "alarm") {
    const alarm = city.alarms.get(target);
    return alarm ? alarmText(alarm) : "";
  }
  const request = kind === "request" ? requests.all.get(target) : undefined;
  return request ? `${whatText(request)}, ${whereText(request)}` : "";
}

/** A link that a line of the timeline tells of: with its kind, and its name where the incident still has it. */
function toldLink(data: Entry["data"], links: Named[]): string {
  const told = data as unknown as Link;
  const link: Named = links.find((one) => one.kind === told.kind && one.target === told.target) ?? told;
  const name = (link.name ? city.nameOf(link.target, link.name) : "") || knownName(link);
  return name ? `${i(`kind.${link.kind}`)}, ${name}` : linkText(link);
}

/** Worst first; of the same severity the newest first. */
export const bySeverity = (one: Incident, other: Incident): number =>
  SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity) ||
  Date.parse(other.opened_at) - Date.parse(one.opened_at);

const text = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : "";

function changeText(data: Entry["data"]): string {
  const said = Object.entries(data).map(([name, value]) => {
    const field = known(`field.${name}`) ?? name;
    if (!Array.isArray(value) || !["type", "severity", "title"].includes(name)) return field;
    const [before, after] = value.map((one) => valueText(name, text(one)));
    return `${field} ${before} → ${after}`;
  });
  return said.join(", ");
}

function valueText(field: string, value: string): string {
  if (field === "severity") return known(`severity.${value}`) ?? value;
  return field === "type" ? typeName(value) : inScript(value);
}

function openedText(data: Entry["data"]): string {
  if (data["group"]) return i("entry.opened.alarms", { n: Number(data["alarms"] ?? 0) });
  return data["rule"] ? i("entry.opened.rule") : i("entry.opened");
}

/** A line of the timeline as a sentence; what people typed follows apart (see `entryNote`). */
export function entryText({ kind, data }: Entry, links: Named[] = []): string {
  const parameters = Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, inScript(text(value))]),
  );
  // What is in all languages goes before what is in one of them.
  for (const name of ["title", "step"] as const) {
    const inAll = data[`${name}s`];
    if (inAll && typeof inAll === "object") parameters[name] = texts(inAll as Texts);
  }
  const answer = data["branch"];
  if (answer && typeof answer === "object") parameters["step"] += `: ${texts(answer as Texts)}`;
  switch (kind) {
    case "opened":
      return openedText(data);
    case "note":
      return "";
    case "changed":
      return i("entry.changed", { what: changeText(data) });
    case "linked":
    case "unlinked":
      return i(`entry.${kind}`, { what: toldLink(data, links) });
    case "alarms.joined":
      return i("entry.alarms.joined", { n: Number(data["alarms"]), total: Number(data["total"]) });
    case "alarms.over":
      return i("entry.alarms.over", { n: Number(data["total"]) });
    case "role":
    case "handover": {
      const role = known(`role.${text(data["role"])}`) ?? "";
      const key = kind === "handover" ? "entry.handover" : data["to"] ? "entry.role" : "entry.role.nobody";
      return i(key, { ...parameters, role });
    }
    case "closed":
      return i("entry.closed", {
        cause: ended(inScript(text(data["cause"]))),
        lesson: ended(inScript(text(data["lesson"]))),
      });
    case "reopened":
      return i(data["returned"] ? "entry.reopened.returned" : "entry.reopened");
    case "procedure.ended":
      return i(data["stopped"] ? "entry.procedure.stopped" : "entry.procedure.ended", parameters);
    default:
      return known(`entry.${kind}`, parameters) ?? kind;
  }
}

const ended = (sentence: string) => (/[.!?…]$/.test(sentence) ? sentence : `${sentence}.`);

/** What a person typed with a line. */
export const entryNote = ({ data }: Entry): string =>
  inScript(text(data["text"]) || text(data["note"]) || text(data["reason"]));

export const FAMILIES = ["all", "notes", "course", "alarms", "work"] as const;
export type Family = (typeof FAMILIES)[number];

/** Which filter of the timeline shows a kind of line. */
export function familyOf(kind: string): Exclude<Family, "all"> {
  if (kind === "note") return "notes";
  if (kind.startsWith("alarms.") || kind === "linked" || kind === "unlinked") return "alarms";
  return /^(task|procedure|notice|warning)\./.test(kind) ? "work" : "course";
}
