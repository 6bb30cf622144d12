import type { Changes, Draft } from "../api/incidents";
import type { Incident, IncidentRole, Link, LinkKind, Point, Severity } from "../api/incidents.types";
import type { Asked } from "./acting.svelte";
import { candidatesFor } from "./joining";
import { incidents } from "./store.svelte";
import { bySeverity, titleOf } from "./words";

export const linkKey = (link: Link): string => `${link.kind}|${link.target}`;

function linkOf(key: string): Link {
  const at = key.indexOf("|");
  return { kind: key.slice(0, at) as LinkKind, target: key.slice(at + 1) };
}

/** What a person types about an action; what the server is sent is made from it. */
export interface Form {
  title: string;
  type: string;
  severity: Severity;
  summary: string;
  address: string;
  place: Point | null;
  /** Whom it concerns, as typed: names with commas between. */
  organisations: string;
  note: string;
  cause: string;
  lesson: string;
  reason: string;
  into: string;
  links: string[];
  role: IncidentRole;
  person: string;
  /** The exercise that a new incident belongs to; empty: real work. */
  exercise: string;
  draft: () => Draft;
  changes: (before: Incident) => Changes;
  splitDraft: (of: Incident) => { title: string; links: Link[]; client_id: string };
}

const inOrder = (one: string, other: string) => (one < other ? -1 : 1);
const namesOf = (typed: string): string[] =>
  [...new Set(typed.split(",").map((name) => name.trim()))].filter(Boolean).sort(inOrder);

/** What an incident can become part of, worst first: an exercise never of real work. */
export const mergeable = (incident: Incident): Incident[] =>
  incidents.running
    .filter((one) => one.id !== incident.id && one.exercise === incident.exercise)
    .sort(bySeverity);

/** The form of an action with what is known already. The client's id is made once: a repeat opens nothing twice. */
export function blank(asked: Asked | null): Form {
  const known: Partial<Draft> =
    asked?.act === "open" ? asked.draft : asked?.act === "edit" ? { ...asked.incident } : {};
  const isEdit = asked?.act === "edit";
  const clientId = crypto.randomUUID();
  const into =
    asked?.act === "link"
      ? candidatesFor(incidents.running, asked.joining)[0]?.incident
      : asked?.act === "merge"
        ? mergeable(asked.incident)[0]
        : undefined;
  return {
    title: isEdit ? titleOf(asked.incident) : (known.title ?? ""),
    type: known.type ?? "other",
    severity: known.severity ?? "minor",
    summary: known.summary ?? "",
    address: known.address ?? "",
    place: known.place ?? null,
    organisations: (known.organisations ?? []).join(", "),
    note: "",
    cause: "",
    lesson: "",
    reason: "",
    into: into?.id ?? "",
    links: [],
    role: "command",
    person: "",
    exercise: known.in_exercise ?? "",
    draft() {
      return {
        ...(this.title.trim() ? { title: this.title.trim() } : {}),
        type: this.type,
        severity: this.severity,
        summary: this.summary,
        address: this.address,
        place: this.place,
        ...(this.organisations.trim() ? { organisations: namesOf(this.organisations) } : {}),
        links: known.links?.map(({ kind, target }) => ({ kind, target })) ?? [],
        client_id: clientId,
        ...(known.opened_from ? { opened_from: known.opened_from } : {}),
        ...(this.exercise ? { in_exercise: this.exercise } : {}),
      };
    },
    changes(before) {
      const { title, type, severity, summary, address, place, organisations } = this;
      const all: Changes = {
        title: title.trim(),
        type,
        severity,
        summary: summary.trim(),
        address: address.trim(),
        place,
        organisations: namesOf(organisations),
      };
      const was: Changes = {
        ...before,
        title: titleOf(before),
        organisations: before.organisations.toSorted(inOrder),
      };
      return Object.fromEntries(
        Object.entries(all).filter(
          ([name, value]) => JSON.stringify(value) !== JSON.stringify(was[name as keyof Changes]),
        ),
      );
    },
    splitDraft() {
      return { title: this.title.trim(), links: this.links.map(linkOf), client_id: clientId };
    },
  };
}

/** Whether everything that must be said is said. */
export function isComplete(act: Asked["act"], form: Form): boolean {
  const needed: Partial<Record<Asked["act"], string[]>> = {
    // What is of a known type is called by it.
    open: [form.type === "other" ? form.title : form.type],
    edit: [form.title],
    split: [form.title],
    close: [form.cause, form.lesson],
    reopen: [form.reason],
    merge: [form.into],
    link: [form.into],
  };
  return (needed[act] ?? []).every((text) => text.trim() !== "");
}
