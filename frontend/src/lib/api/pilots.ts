/** What the console asks of `/api/pilots`. */
import { get, part, request, upload } from "./client";
import type { Assumed, Assumptions, Candidates, Ranking } from "./pilots/choose";
import type {
  Decision,
  Draft,
  FileTaken,
  Id,
  Overlap,
  Plan,
  PlanRow,
  Power,
  Published,
  SignalFound,
} from "./pilots/plan";
import type { Answer, Job, Ledger, Summary, Watch } from "./pilots/result";

export type * from "./pilots/choose";
export type * from "./pilots/plan";
export type * from "./pilots/result";

const plan = (id: Id) => `/api/pilots/plans/${part(id)}`;

export const pilots = {
  candidates: () => get<Candidates>("/api/pilots/candidates"),
  /** What is assumed about the services, at once; the first ranking after a start takes seconds. */
  assumed: () => get<Assumed>("/api/pilots/candidates?ranked=false"),
  rank: (assumptions: Assumptions, signal?: AbortSignal) =>
    request<Ranking>("POST", "/api/pilots/candidates/rank", assumptions, signal),
  saveAssumptions: (assumptions: Assumptions) =>
    request<Candidates>("PUT", "/api/pilots/candidates", assumptions),

  plans: () => get<{ items: PlanRow[] }>("/api/pilots/plans"),
  addPlan: (specification: Draft) => request<Plan>("POST", "/api/pilots/plans", { specification }),
  plan: (id: Id) => get<Plan>(plan(id)),
  savePlan: (id: Id, specification: Draft) => request<Plan>("PUT", plan(id), { specification }),
  overlaps: (id: Id) => get<{ items: Overlap[] }>(`${plan(id)}/overlaps`),
  removePlan: (id: Id) => request<void>("DELETE", plan(id)),
  freeze: (id: Id, hash: string, statement: string) =>
    request<Plan>("POST", `${plan(id)}/freeze`, { hash, statement }),
  amend: (id: Id, changes: Draft, reason: string) =>
    request<Plan>("POST", `${plan(id)}/amendments`, { changes, reason }),

  published: (unit: string) => get<Published>("/api/pilots/factors", { unit }),
  signals: (q: string, signal?: AbortSignal) =>
    get<{ items: SignalFound[] }>("/api/pilots/signals", { q, limit: 30 }, signal),
  files: () => get<{ items: FileTaken[] }>("/api/pilots/files"),
  giveFile: (file: File, simulated: boolean) =>
    upload<FileTaken>(
      `/api/pilots/files?name=${part(file.name)}${simulated ? "&simulated=true" : ""}`,
      file,
      "text/csv",
    ),

  power: (id: Id) => get<Power>(`${plan(id)}/power`),
  computePower: (id: Id) => request<{ job: string }>("POST", `${plan(id)}/power`),
  job: <Result>(id: string) => get<Job<Result>>(`/api/pilots/jobs/${part(id)}`),

  watch: (id: Id) => get<Watch>(`${plan(id)}/watch`),
  computeWatch: (id: Id) => request<{ job: string }>("POST", `${plan(id)}/watch`),
  answer: (id: Id, event: Id, answer: Answer) =>
    request<Watch>("POST", `${plan(id)}/events/${part(event)}/answer`, answer),
  decide: (id: Id, decision: Decision, note: string, corrects: Id | null) =>
    request<{ job: string }>("POST", `${plan(id)}/verdict`, {
      decision,
      note,
      ...(corrects ? { corrects } : {}),
    }),
  report: (id: Id, kind: "report.html" | "report.pdf" | "extract.zip", language: string) =>
    `${plan(id)}/${kind}${kind === "extract.zip" ? "" : `?lang=${language}`}`,

  ledger: () => get<Ledger>("/api/pilots/ledger"),
  ledgerCsv: (language: string) => `/api/pilots/ledger.csv?lang=${language}`,
  summary: () => get<Summary>("/api/pilots/summary"),
};
