import type {
  Account,
  Alarm,
  AlarmList,
  ApiToken,
  Area,
  AreaShape,
  AssetDetail,
  AuditRecord,
  Basemap,
  Command,
  CrewPhone,
  DeadLetterList,
  Device,
  DeviceList,
  FeedItem,
  History,
  RawReading,
  RoleHeld,
  Rule,
  SearchItem,
  SignedIn,
  Session,
} from "./types";

/** A request that did not succeed. `status` is 0 when the server could not be reached at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterSeconds: number | null = null,
    /** What the sentence needs, for saying it in another language. */
    readonly values: Record<string, string | number> = {},
  ) {
    super(detail);
  }
}

type Query = Record<string, string | number | null | undefined>;

function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

async function failure(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as {
    code?: string;
    detail?: string;
    title?: string;
    values?: Record<string, string | number>;
  };
  const retryAfter = Number(response.headers.get("retry-after"));
  return new ApiError(
    response.status,
    problem.code ?? String(response.status),
    problem.detail ?? problem.title ?? response.statusText,
    retryAfter > 0 ? retryAfter : null,
    problem.values,
  );
}

let onUnauthenticated: (error: ApiError) => void = () => {};

/** Called whenever the server says that the session has ended. */
export function whenUnauthenticated(action: (error: ApiError) => void): void {
  onUnauthenticated = action;
}

/** A line that dies without a word answers nobody, for minutes: what only reads is given up, and asked for again. */
const READ_WITHIN_MS = 45_000;

function patienceFor(method: string, signal: AbortSignal | null | undefined): AbortSignal | null {
  if (method !== "GET") return signal ?? null;
  const patience = AbortSignal.timeout(READ_WITHIN_MS);
  return signal ? AbortSignal.any([signal, patience]) : patience;
}

/** What a broken line means to who asked; that they have called it off themselves stays what it is. */
function broken(error: unknown): unknown {
  const isOurs = error instanceof ApiError || (error instanceof DOMException && error.name === "AbortError");
  return isOurs ? error : new ApiError(0, "unreachable", "");
}

/** The answer itself, for what is not read as one piece of JSON; throws an ApiError that says what went wrong. */
export async function answerOf(method: string, path: string, rest: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    const signal = patienceFor(method, rest.signal);
    response = await fetch(path, { method, credentials: "same-origin", ...rest, signal });
  } catch (error) {
    throw broken(error);
  }
  if (!response.ok) {
    const error = await failure(response);
    if (error.status === 401 && path !== "/api/session") onUnauthenticated(error);
    throw error;
  }
  return response;
}

async function send<T>(method: string, path: string, rest: RequestInit): Promise<T> {
  const response = await answerOf(method, path, rest);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw broken(error);
  }
}

/** Ask the server in JSON; throws an ApiError that says what went wrong. */
export function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  return send<T>(method, path, {
    headers: body === undefined ? {} : { "content-type": "application/json" },
    ...json,
    signal,
  });
}

/** Ask for a change of the version that a person saw; another one is answered with 412. */
export const versioned = <T>(method: string, path: string, version: number, body: unknown) =>
  send<T>(method, path, {
    headers: { "content-type": "application/json", "if-match": `"${version}"` },
    body: JSON.stringify(body),
  });

/** Give the server a file as it is. */
export const upload = <T>(path: string, file: Blob, type: string) =>
  send<T>("POST", path, { headers: { "content-type": type }, body: file });

export const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
  request<T>("GET", withQuery(path, query), undefined, signal);
export const part = encodeURIComponent;

export const api = {
  signIn: (login: string, password: string) => request<void>("POST", "/api/session", { login, password }),
  /** The way to sign in beside local accounts, if the city has one. */
  waysToSignIn: () => get<{ provider: { name: string; name_sr: string | null } | null }>("/api/sign-in"),
  /** Where to sign out, too, when the session began at the city's provider. */
  signOut: () => request<{ logout: string } | undefined>("DELETE", "/api/session"),
  session: () => get<Session>("/api/session"),

  asset: (id: string, signal?: AbortSignal) =>
    get<AssetDetail>(`/api/console/assets/${part(id)}`, {}, signal),
  history: (
    id: string,
    query: { attributes: string; from?: string; to?: string; points?: number },
    signal?: AbortSignal,
  ) => get<History>(`/api/console/assets/${part(id)}/history`, query, signal),
  /** From when to when there is history; both null when there is none. */
  span: (id: string, signal?: AbortSignal) =>
    get<{ from: string | null; to: string | null }>(`/api/console/assets/${part(id)}/span`, {}, signal),
  raw: (id: string, query: { attribute?: string; before?: string; limit?: number }) =>
    get<{ items: RawReading[]; next: string | null }>(`/api/console/assets/${part(id)}/raw`, query),
  rawCsv: (id: string, attribute?: string) =>
    withQuery(`/api/console/assets/${part(id)}/raw.csv`, { attribute }),
  feed: (limit = 50) => get<{ items: FeedItem[] }>("/api/console/feed", { limit }),
  search: (q: string, script: string, signal?: AbortSignal) =>
    get<{ items: SearchItem[] }>("/api/console/search", { q, script }, signal),
  basemap: () => get<Basemap>("/api/console/basemap.json"),

  alarms: (state: "open" | "cleared" | "all", limit = 1000) =>
    get<AlarmList>("/api/alarms", { state, limit }),
  acknowledge: (id: string, note: string) =>
    request<Alarm>("POST", `/api/alarms/${part(id)}/acknowledge`, note ? { note } : {}),

  devices: (query: { state?: string; service?: string; search?: string; limit?: number; after?: string }) =>
    get<DeviceList>("/api/devices", query),
  device: (id: string) => get<Device>(`/api/devices/${part(id)}`),
  commands: (id: string) => get<{ items: Command[] }>(`/api/devices/${part(id)}/commands`, { limit: 20 }),
  sendCommand: (
    id: string,
    command: {
      name: string;
      parameters: Record<string, unknown>;
      expires_in_seconds: number;
      reason: string | null;
    },
  ) => request<Command>("POST", `/api/devices/${part(id)}/commands`, command),
  cancelCommand: (id: string, command: string) =>
    request<void>("DELETE", `/api/devices/${part(id)}/commands/${part(command)}`),

  rules: () => get<{ items: Rule[] }>("/api/rules"),
  changeRule: (code: string, changes: object) => request<Rule>("PUT", `/api/rules/${part(code)}`, changes),

  areas: () => get<{ items: Area[] }>("/api/areas"),
  writeArea: (code: string, area: { name: string; shape: AreaShape; version: number }) =>
    request<Area>("PUT", `/api/areas/${part(code)}`, area),
  removeArea: (area: Area) =>
    request<undefined>("DELETE", `/api/areas/${part(area.code)}?version=${area.version}`),
  organisations: () => get<{ items: string[] }>("/api/organisations"),
  accounts: () => get<{ items: Account[] }>("/api/accounts"),
  addAccount: (draft: { login: string; name: string; organisation: string | null; roles: RoleHeld[] }) =>
    request<Account & { password?: string }>("POST", "/api/accounts", draft),
  changeAccount: (id: string, changes: object) =>
    request<Account & { password?: string }>("PATCH", `/api/accounts/${part(id)}`, changes),
  sessions: (account: string | null) =>
    get<{ items: SignedIn[] }>(
      account === null ? "/api/sessions" : `/api/accounts/${part(account)}/sessions`,
    ),
  endSession: (id: string) => request<void>("DELETE", `/api/sessions/${part(id)}`),
  /** End all other sessions of one's own, or every one of somebody else. */
  endSessions: (account: string | null) =>
    request<{ ended: number }>(
      "DELETE",
      account === null ? "/api/sessions" : `/api/accounts/${part(account)}/sessions`,
    ),
  phones: () => get<{ items: CrewPhone[] }>("/api/crew-phones"),
  registerPhone: (name: string) => request<void>("POST", "/api/crew-phones", { name }),
  revokePhone: (id: number) => request<void>("DELETE", `/api/crew-phones/${id}`),
  tokens: (owner: "me" | "all") => get<{ items: ApiToken[] }>("/api/tokens", { owner }),
  addToken: (draft: { name: string; scopes: string[]; expires_in_days: number }) =>
    request<ApiToken & { token: string }>("POST", "/api/tokens", draft),
  revokeToken: (id: string) => request<void>("DELETE", `/api/tokens/${part(id)}`),
  audit: (query: { actor?: string; subject?: string; limit?: number; before?: number }) =>
    get<{ items: AuditRecord[]; next: number | null }>("/api/audit", query),
  verifyAudit: () => get<{ holds: boolean; records: number; broken_at: number | null }>("/api/audit/verify"),

  deadLetters: (query: {
    device_id?: string;
    reason?: string;
    state?: string;
    limit?: number;
    before?: string;
  }) => get<DeadLetterList>("/api/dead-letters", query),
  replay: (ids: (number | string)[]) =>
    request<{ replayed: number; accepted: number; rejected: number }>("POST", "/api/dead-letters/replay", {
      ids,
    }),
  discard: (ids: (number | string)[], reason: string) =>
    request<void | object>("POST", "/api/dead-letters/discard", { ids, reason }),
};
