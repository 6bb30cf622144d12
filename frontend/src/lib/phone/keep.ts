import type { Change, Mine } from "../api/tasks";

/**
 * What a phone keeps while it has no line: the shell is the service worker's, the work is here, in IndexedDB.
 *
 * Everything belongs to the account that did it: the next person on a shared phone neither sees nor sends it.
 * Signing out removes what is the person's.
 */
export interface Who {
  login: string;
  name: string;
}

export interface Kept {
  client_id: string;
  login: string;
  name: string;
  crew: number;
  change: Change;
  photos: Blob[];
}

interface Seen {
  login: string;
  mine: Mine;
  /** When the server said so, by the phone's clock. */
  at: string;
}

const NAME = "vidik-phone";
const STORES = { outbox: "client_id", seen: "login", who: "key", read: "key" } as const;
type Store = keyof typeof STORES;

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) asked.result.createObjectStore(name, { keyPath });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("IndexedDB"));
  });
}

async function within<T>(
  store: Store,
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await opened();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(store, mode, { durability: "strict" });
      const asked = act(transaction.objectStore(store));
      // Only when the transaction is complete is it on the phone's disk.
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("IndexedDB"));
    });
  } finally {
    database.close();
  }
}

export const keep = {
  add: (kept: Kept) => within("outbox", "readwrite", (store) => store.put(kept)),
  /** Everything unsent on this phone, whoever did it, in the order in which it was done. */
  async unsent(): Promise<Kept[]> {
    const all = await within<Kept[]>("outbox", "readonly", (store) => store.getAll());
    return all.sort((a, b) => a.change.at.localeCompare(b.change.at));
  },
  sent: (clientId: string) => within("outbox", "readwrite", (store) => store.delete(clientId)),
  remember: (login: string, mine: Mine) =>
    within("seen", "readwrite", (store) =>
      store.put({ login, mine, at: new Date().toISOString() } satisfies Seen),
    ),
  seen: (login: string) => within<Seen | undefined>("seen", "readonly", (store) => store.get(login)),
  signedIn: (who: Who) => within("who", "readwrite", (store) => store.put({ key: "last", ...who })),
  last: () => within<Who | undefined>("who", "readonly", (store) => store.get("last")),
  read: async (login: string): Promise<string[]> =>
    (await within<{ ids: string[] } | undefined>("read", "readonly", (store) => store.get(login)))?.ids ?? [],
  setRead: (login: string, ids: string[]) =>
    within("read", "readwrite", (store) => store.put({ key: login, ids })),
  /** Remove everything of one person, unsent work too. */
  async forget(login: string): Promise<void> {
    for (const kept of await keep.unsent()) if (kept.login === login) await keep.sent(kept.client_id);
    await within("seen", "readwrite", (store) => store.delete(login));
    await within("read", "readwrite", (store) => store.delete(login));
    await within("who", "readwrite", (store) => store.delete("last"));
  },
};
