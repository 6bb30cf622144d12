import { get, part, request, versioned } from "./client";
import type {
  Answer,
  Definition,
  Draft,
  Offer,
  Problem,
  ProcedureSummary,
  Run,
  RunAct,
  Trial,
  TrialFacts,
  Version,
} from "./procedures.types";

const at = (code: string) => `/api/procedures/${part(code)}`;
const ofRun = (id: string) => `/api/procedure-runs/${part(id)}`;

/** Procedures and their runs: what two people may change at once says which version was seen (412 otherwise). */
export const proceduresApi = {
  list: () => get<{ items: ProcedureSummary[] }>("/api/procedures"),
  create: (definition: Definition) => request<Draft>("POST", "/api/procedures", { definition }),
  draft: (code: string) => get<Draft>(`${at(code)}/draft`),
  save: (code: string, version: number, definition: Definition) =>
    versioned<Draft>("PUT", `${at(code)}/draft`, version, { definition }),
  discard: (code: string, version: number) =>
    versioned<void>("DELETE", `${at(code)}/draft`, version, undefined),
  publish: (code: string, version: number, note: string) =>
    versioned<Version>("POST", `${at(code)}/publish`, version, { note }),
  withdraw: (code: string, version: number, reason: string) =>
    versioned<Version>("POST", `${at(code)}/withdraw`, version, { reason }),
  versions: (code: string) => get<{ items: Version[] }>(`${at(code)}/versions`),
  version: (code: string, version: number) =>
    get<Version & { definition: Definition }>(`${at(code)}/versions/${version}`),
  check: (definition: Definition, signal?: AbortSignal) =>
    request<{ problems: Problem[] }>("POST", "/api/procedures/check", { definition }, signal),
  try: (
    code: string,
    what: { definition?: Definition; version?: number; facts?: TrialFacts; answers: Answer[] },
    signal?: AbortSignal,
  ) => request<Trial>("POST", `${at(code)}/try`, what, signal),

  ofIncident: (id: string) => get<{ items: Offer[]; runs: Run[] }>(`/api/incidents/${part(id)}/procedures`),
  start: (incident: string, procedure: string, client_id: string) =>
    request<Run>("POST", `/api/incidents/${part(incident)}/procedures`, { procedure, client_id }),
  run: (id: string) => get<Run>(ofRun(id)),
  act: (run: Run, step: string, act: RunAct, said: { note?: string; branch?: number; reason?: string }) =>
    versioned<Run>("POST", `${ofRun(run.id)}/steps/${part(step)}/${act}`, run.version, said),
  stop: (run: Run, reason: string) =>
    versioned<Run>("POST", `${ofRun(run.id)}/stop`, run.version, { reason }),
};
