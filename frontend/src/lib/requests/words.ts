import type { CitizenRequest } from "../api/requests";
import type { Draft } from "../api/incidents";
import { q } from "../i18n/requests";
import { inScript, texts } from "../i18n/index.svelte";
import { incidents } from "../incidents/store.svelte";

const LONGEST = 200;

/** What a request is about: the city's name of its code, the sender's, or the code itself. */
export function whatText(request: Pick<CitizenRequest, "title" | "service_name" | "service_code">): string {
  if (request.title) return texts(request.title);
  return inScript(request.service_name) || request.service_code || q("noCode");
}

/** Where it is, as its sender wrote it, or its place on the map. */
export function whereText(request: Pick<CitizenRequest, "address" | "place">): string {
  if (request.address) return inScript(request.address);
  const place = request.place?.coordinates;
  return place ? `${place[1].toFixed(4)}, ${place[0].toFixed(4)}` : q("noPlace");
}

/** The first words of what was written, on one line. */
export function firstWords(request: Pick<CitizenRequest, "description">): string {
  return inScript(request.description.replace(/\s+/g, " ").slice(0, 160));
}

/** What an incident opened from requests begins with; the first of them says what and where. */
export function draftOf(
  request: CitizenRequest,
  type: string,
  others: CitizenRequest[] = [],
): Partial<Draft> {
  const where = request.address ? `: ${inScript(request.address)}` : "";
  return {
    type,
    severity: incidents.type(type)?.severity,
    title: `${whatText(request)}${where}`.slice(0, LONGEST),
    summary: request.description,
    address: request.address,
    place: request.place,
    links: [request, ...others].map(({ id }) => ({ kind: "request", target: id })),
    opened_from: "request",
  };
}

export const stateText = (request: CitizenRequest): string =>
  request.incident
    ? q(request.state === "done" ? "state.doneIn" : "state.inWorkIn", { number: request.incident.number })
    : q(`state.${request.state}`);
