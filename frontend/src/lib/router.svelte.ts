/** The address bar holds the place: a path with at most one parameter, and a query of filters. */
export type ScreenName =
  | "situation"
  | "asset"
  | "alarms"
  | "procedures"
  | "exercises"
  | "tasks"
  | "phone"
  | "devices"
  | "device"
  | "dead-letters"
  | "pilots"
  | "desk"
  | "incidents"
  | "requests"
  | "wall"
  | "city"
  | "vitals"
  | "duty"
  | "warnings"
  | "administration"
  | "sign-in"
  | "missing";

export interface Location {
  screen: ScreenName;
  id: string;
  query: URLSearchParams;
}

const PATHS: [RegExp, ScreenName][] = [
  [/^\/(?:situation\/?)?$/, "situation"],
  [/^\/assets\/(.+)$/, "asset"],
  [/^\/assets\/?$/, "situation"],
  [/^\/alarms(?:\/(.*?))?\/?$/, "alarms"],
  [/^\/warnings\/?$/, "warnings"],
  [/^\/duty(?:\/([a-z]+))?\/?$/, "duty"],
  [/^\/procedures(?:\/([a-z0-9_]+(?:\/edit)?))?\/?$/, "procedures"],
  [/^\/tasks(?:\/(crews|[0-9]+))?\/?$/, "tasks"],
  [/^\/exercises(?:\/([0-9]+))?\/?$/, "exercises"],
  [/^\/phone\/?$/, "phone"],
  [/^\/devices\/?$/, "devices"],
  [/^\/devices\/(.+)$/, "device"],
  [/^\/dead-letters\/?$/, "dead-letters"],
  [/^\/pilots(?:\/(.*?))?\/?$/, "pilots"],
  [/^\/desk\/?$/, "desk"],
  [/^\/wall\/?$/, "wall"],
  [/^\/city\/?$/, "city"],
  [/^\/vitals(?:\/([a-z0-9_]+))?\/?$/, "vitals"],
  [/^\/incidents(?:\/([0-9]+))?\/?$/, "incidents"],
  [/^\/requests(?:\/(.+?))?\/?$/, "requests"],
  [/^\/administration(?:\/([a-z]+))?\/?$/, "administration"],
  [/^\/sign-in\/?$/, "sign-in"],
];

/** The screen that an address names. */
export function locate(path: string, search: string): Location {
  for (const [pattern, screen] of PATHS) {
    const found = pattern.exec(path);
    if (found) return { screen, id: decode(found[1] ?? ""), query: new URLSearchParams(search) };
  }
  return { screen: "missing", id: "", query: new URLSearchParams(search) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const here = () => locate(window.location.pathname, window.location.search);

class Router {
  location = $state.raw<Location>({ screen: "situation", id: "", query: new URLSearchParams() });
  /** How many of our own places lie behind this one in the browser's history. */
  private depth = 0;

  start(): void {
    this.location = here();
    window.addEventListener("popstate", () => {
      this.depth = Math.max(0, this.depth - 1);
      this.location = here();
    });
  }

  go(address: string): void {
    if (address === window.location.pathname + window.location.search) return;
    window.history.pushState(null, "", address);
    this.depth += 1;
    this.location = here();
    window.scrollTo(0, 0);
  }

  /** Another address in the place of this one: back does not lead here again. */
  replace(address: string): void {
    window.history.replaceState(window.history.state, "", address);
    this.location = here();
  }

  /** Change filters in place: no new entry in the history. A null removes the name. */
  refine(change: Record<string, string | null>): void {
    const query = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(change)) {
      if (value === null || value === "") query.delete(name);
      else query.set(name, value);
    }
    const search = query.toString();
    window.history.replaceState(
      window.history.state,
      "",
      window.location.pathname + (search ? `?${search}` : ""),
    );
    this.location = here();
  }

  /** One level up: to where the person came from, or to the parent of a page opened by link. */
  up(): void {
    if (this.depth > 0) return window.history.back();
    const parent: Partial<Record<ScreenName, string>> = { device: "/devices" };
    const { screen, id } = this.location;
    if (screen === "pilots" && id.includes("/"))
      return this.go(`/pilots/${id.slice(0, id.lastIndexOf("/"))}`);
    if (screen === "alarms" && id.includes("/"))
      return this.go(`/alarms/${id.slice(0, id.lastIndexOf("/"))}`);
    if (screen === "alarms" && id) return this.go("/alarms");
    if (screen === "incidents" && id) return this.go("/incidents");
    if (screen === "requests" && id) return this.go("/requests");
    if (screen === "procedures" && id) return this.go("/procedures");
    if (screen === "exercises" && id) return this.go("/exercises");
    if (screen === "tasks" && id) return this.go("/tasks");
    if (screen === "vitals" && id) return this.go("/vitals");
    if (screen !== "situation") this.go(parent[screen] ?? "/situation");
  }
}

export const router = new Router();

export const assetAddress = (id: string) => `/assets/${encodeURIComponent(id).replaceAll("%3A", ":")}`;
export const incidentAddress = (id: string) => `/incidents/${encodeURIComponent(id)}`;
export const requestAddress = (id: string) => `/requests/${encodeURIComponent(id).replaceAll("%3A", ":")}`;
export const planAddress = (id: string | number) => `/pilots/plans/${encodeURIComponent(id)}`;
export const watchAddress = (id: string | number) => `${planAddress(id)}/watch`;
export const deviceAddress = (id: string) => `/devices/${encodeURIComponent(id)}`;

/** Follow links inside the console without loading the page again; others stay the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
    return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
  if (locate(link.pathname, link.search).screen === "missing" || link.pathname.startsWith("/api")) return;
  event.preventDefault();
  router.go(link.pathname + link.search);
}
