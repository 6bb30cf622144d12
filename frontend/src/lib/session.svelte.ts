import { api, ApiError, whenUnauthenticated } from "./api/client";
import type { Belonging, Session } from "./api/types";

/** Who is signed in, and to which city. */
class SessionStore {
  current = $state.raw<Session | null>(null);
  known = $state(false);
  ended = $state(false);
  unreachable = $state(false);
  /** The name of the crew's phone that this was until a supervisor revoked it. */
  revokedPhone = $state<string | null>(null);

  constructor() {
    whenUnauthenticated((error) => {
      this.ended = this.current !== null;
      this.current = null;
      this.note(error);
    });
  }

  private note(error: ApiError): void {
    this.revokedPhone = error.code === "phone-revoked" ? String(error.values["phone"] ?? "") : null;
  }

  async load(): Promise<void> {
    try {
      this.current = await api.session();
      this.unreachable = false;
      this.ended = false;
      this.revokedPhone = null;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        this.current = null;
        this.note(error);
      } else this.unreachable = true;
    } finally {
      this.known = true;
    }
  }

  /** What the person may do has perhaps changed: ask again, and keep what is known when nobody answers. */
  async renew(): Promise<void> {
    const fresh = await api.session().catch(() => null);
    if (fresh && this.current && JSON.stringify(fresh) !== JSON.stringify(this.current)) this.current = fresh;
  }

  async signIn(login: string, password: string): Promise<void> {
    await api.signIn(login, password);
    await this.load();
  }

  async signOut(): Promise<void> {
    const answer = await api.signOut().catch(() => undefined);
    this.current = null;
    this.ended = false;
    // The session at the city's provider would let the next person in: it is ended there.
    if (answer) window.location.assign(answer.logout);
  }

  get zone(): string {
    return this.current?.city.timezone ?? "Europe/Belgrade";
  }

  /** Whether a permission holds: anywhere at all, or for a thing. The server's rule (kernel/identity/reach.py). */
  may(permission: string, thing?: Belonging): boolean {
    const account = this.current?.account;
    if (!account?.permissions.includes(permission)) return false;
    const places = account.reach[permission];
    if (!thing || !places || thing.people?.includes(account.login)) return true;
    return places.some(
      ({ organisation, area }) =>
        (organisation === null || thing.organisations.includes(organisation)) &&
        (area === null || thing.areas.includes(area)),
    );
  }

  /** Where somebody begins: people of crews, who have no desk, at their own tasks. */
  get home(): string {
    const roles = this.current?.account.roles ?? [];
    return roles.length > 0 && roles.every((role) => role === "crew") ? "/phone" : "/situation";
  }

  /** Whether a permission holds for what belongs to the whole city. */
  mayInCity(permission: string): boolean {
    return this.may(permission, { organisations: [], areas: [] });
  }
}

export const session = new SessionStore();
