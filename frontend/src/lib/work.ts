import type { Position } from "./api/tasks";

/** What others do in the command centre, as the live stream tells it; stores of the rooms listen by topic. */
export type WorkTopic =
  "incident" | "task" | "crew" | "procedure-run" | "shift" | "notice" | "warning" | "exercise" | "request";

export interface WorkEvent<Data = unknown> {
  id: string;
  topic: WorkTopic;
  subject: string;
  at: string;
  /** The thing as it now is: the answer of `GET` of one. */
  data: Data;
}

/** What is true of this moment only, and kept nowhere: who looks at a thing or leaves it, where a crew is. */
export type PresenceEvent =
  | { topic: "incident"; subject: string; data: { login: string; name: string; here: boolean } }
  | { topic: "crew"; subject: string; data: { position: Position } };

type Listener = (event: WorkEvent) => void;

class Work {
  private listeners = new Map<WorkTopic, Set<Listener>>();
  private readers = new Set<() => void>();
  private watchers = new Set<(event: PresenceEvent) => void>();

  /** Be told of every change of a topic; events may come twice and out of order, so compare versions. */
  on<Data>(topic: WorkTopic, listener: (event: WorkEvent<Data>) => void): () => void {
    const known = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, known.add(listener as Listener));
    return () => known.delete(listener as Listener);
  }

  /** Be told when the stream may have missed something, so that lists are read anew. */
  onGap(reader: () => void): () => void {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  }

  /** Be told who looks at what, and where crews are. */
  onPresence(watcher: (event: PresenceEvent) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  tellPresence(event: PresenceEvent): void {
    for (const watcher of this.watchers) watcher(event);
  }

  tell(event: WorkEvent): void {
    // A thing has gone out of this person's sight: lists are read anew, and it is not in them.
    if (event.data === null) return this.readAnew();
    for (const listener of this.listeners.get(event.topic) ?? []) listener(event);
  }

  readAnew(): void {
    for (const reader of this.readers) reader();
  }
}

export const work = new Work();
