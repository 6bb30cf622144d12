import { ApiError } from "../api/client";
import { tasksApi, type Act, type Change, type Mine, type Task } from "../api/tasks";
import { session } from "../session.svelte";
import { errorText } from "../words";
import { withUnsent } from "./course";
import { keep, type Kept, type Who } from "./keep";
import { whereabouts } from "./whereabouts.svelte";

const EVERY_MS = 15_000;

/** The phone of a crew: shows what it last heard, keeps what is done, sends it when there is a line. */
class Phone {
  who = $state.raw<Who | null>(null);
  mine = $state.raw<Mine | null>(null);
  heardAt = $state<string | null>(null);
  outbox = $state.raw<Kept[]>([]);
  online = $state(true);
  sending = $state(false);
  failure = $state<string | null>(null);
  /** The crew that whoever administers crews looks at; members see their own. */
  chosen = $state<number | null>(null);
  read = $state.raw<string[]>([]);
  private busy: Promise<void> | null = null;
  private again = false;
  private changing = false;

  readonly unsent = $derived(this.outbox.filter((kept) => kept.login === this.who?.login));
  readonly others = $derived(this.outbox.filter((kept) => kept.login !== this.who?.login));
  readonly crew = $derived(
    this.mine?.crews.find((crew) => crew.id === this.chosen) ?? this.mine?.crews[0] ?? null,
  );
  readonly tasks = $derived(
    (this.mine?.tasks ?? []).map((task) =>
      withUnsent(
        task,
        this.unsent.map((kept) => kept.change),
      ),
    ),
  );
  readonly refused = $derived((this.mine?.refused ?? []).filter((one) => !this.read.includes(one.client_id)));

  /** Begin with who is signed in, or, without a line, with who was last; returns the way to stop. */
  start(): () => void {
    void this.begin();
    const now = () => void this.synchronise();
    const timer = setInterval(now, EVERY_MS);
    const off = () => (this.online = false);
    window.addEventListener("online", now);
    window.addEventListener("offline", off);
    const seen = () => document.hidden || now();
    document.addEventListener("visibilitychange", seen);
    const stopWhereabouts = whereabouts.follow(() => this.crew);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", now);
      window.removeEventListener("offline", off);
      document.removeEventListener("visibilitychange", seen);
      stopWhereabouts();
    };
  }

  private async begin(): Promise<void> {
    const account = session.current?.account;
    this.outbox = await keep.unsent();
    const who = account ? { login: account.login, name: account.name } : await keep.last();
    if (!who) return;
    await this.become(who);
    await this.synchronise();
  }

  private async become(who: Who): Promise<void> {
    const seen = await keep.seen(who.login);
    [this.who, this.mine, this.heardAt] = [who, seen?.mine ?? null, seen?.at ?? null];
    this.read = await keep.read(who.login);
    if (session.current) await keep.signedIn(who);
  }

  /** Keep what was done; it counts on this phone at once and is sent as soon as there is a line. */
  async do(task: Task, act: Act, note: string, photos: Blob[]): Promise<void> {
    const crew = task.crew?.id ?? this.crew?.id;
    if (!this.who || crew === undefined) return;
    const change: Change = {
      client_id: crypto.randomUUID(),
      task: task.id,
      round: task.round,
      act,
      at: new Date().toISOString(),
      note,
      photos: [],
    };
    await keep.add({ client_id: change.client_id, ...this.who, crew, change, photos });
    this.outbox = await keep.unsent();
    void this.synchronise();
  }

  /** Send what waits and ask what there is; at most one at a time, and once more for whoever asked meanwhile. */
  synchronise(): Promise<void> {
    if (this.busy) this.again = true;
    this.busy ??= this.rounds().finally(() => (this.busy = null));
    return this.busy;
  }

  private async rounds(): Promise<void> {
    do {
      this.again = false;
      await this.round();
    } while (this.again);
  }

  private async round(): Promise<void> {
    if (!this.who) return;
    try {
      if (!session.current) await session.load();
      if (!session.current) {
        this.online = !session.unreachable;
        return;
      }
      // Somebody else signed in on this phone: what is shown and sent is theirs from now on.
      const { login, name } = session.current.account;
      if (login !== this.who.login) await this.become({ login, name });
      this.sending = this.unsent.length > 0;
      await this.hear(await this.sendAll());
      this.online = true;
      this.failure = null;
    } catch (error) {
      if (error instanceof ApiError && error.status === 0) this.online = false;
      else this.failure = errorText(error);
    } finally {
      this.sending = false;
    }
  }

  /** Send what waits; returns what is the desk's now. What was refused comes back among `refused`. */
  private async sendAll(): Promise<string[]> {
    const sent: string[] = [];
    for (const crew of new Set(this.unsent.map((kept) => kept.crew))) {
      const waiting = this.unsent.filter((kept) => kept.crew === crew);
      for (const kept of waiting) await this.sendPhotos(kept);
      const changes = waiting.map((kept) => $state.snapshot(kept.change) as Change);
      const { outcomes } = await tasksApi.sync(crew, changes);
      sent.push(...outcomes.map((outcome) => outcome.client_id));
    }
    return sent;
  }

  private async sendPhotos(kept: Kept): Promise<void> {
    const sent: string[] = [];
    for (const photo of kept.photos) {
      try {
        sent.push((await tasksApi.photo(kept.change.task, kept.crew, photo)).sha256);
      } catch (error) {
        // A picture that the server will never take must not hold the work back.
        if (!(error instanceof ApiError) || error.status === 0 || error.status === 401 || error.status >= 500)
          throw error;
      }
    }
    kept.change.photos = sent;
  }

  /** Ask how things stand, and let go of what was sent only then: cut in between, the work would be undone here. */
  private async hear(sent: string[]): Promise<void> {
    const mine = await tasksApi.mine(this.chosen);
    if (this.who) await keep.remember(this.who.login, mine);
    for (const clientId of sent) await keep.sent(clientId);
    const waiting = await keep.unsent();
    [this.mine, this.heardAt, this.outbox] = [mine, new Date().toISOString(), waiting];
  }

  async setDuty(on: boolean): Promise<void> {
    if (!this.crew || this.changing) return;
    this.changing = true;
    try {
      await tasksApi.duty(this.crew.id, on, null);
      await this.synchronise();
    } catch (error) {
      this.failure = errorText(error);
    } finally {
      this.changing = false;
    }
  }

  async understood(clientId: string): Promise<void> {
    this.read = [...this.read, clientId].slice(-200);
    if (this.who) await keep.setRead(this.who.login, this.read);
  }

  /** Leave nothing of this person on the phone. */
  async signOut(): Promise<void> {
    if (this.who) await keep.forget(this.who.login);
    this.who = null;
    this.mine = null;
    this.outbox = await keep.unsent();
    await session.signOut();
  }
}

export const phone = new Phone();
