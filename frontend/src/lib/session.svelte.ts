import { api, ApiError, whenUnauthenticated } from "./api/client";
import type { Session } from "./api/types";

/** Who is signed in, and to which city. */
class SessionStore {
  current = $state.raw<Session | null>(null);
  known = $state(false);
  ended = $state(false);
  unreachable = $state(false);

  constructor() {
    whenUnauthenticated(() => {
      this.ended = this.current !== null;
      this.current = null;
    });
  }

  async load(): Promise<void> {
    try {
      this.current = await api.session();
      this.unreachable = false;
      this.ended = false;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.current = null;
      else this.unreachable = true;
    } finally {
      this.known = true;
    }
  }

  async signIn(login: string, password: string): Promise<void> {
    await api.signIn(login, password);
    await this.load();
  }

  async signOut(): Promise<void> {
    await api.signOut().catch(() => {});
    this.current = null;
    this.ended = false;
  }

  get zone(): string {
    return this.current?.city.timezone ?? "Europe/Belgrade";
  }

  may(permission: string): boolean {
    return this.current?.account.permissions.includes(permission) ?? false;
  }
}

export const session = new SessionStore();
