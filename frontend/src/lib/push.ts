/** Messages to this browser: its service worker shows what the city sends. */

export const takesPush = (): boolean => "serviceWorker" in navigator && "PushManager" in window;

const registration = () => navigator.serviceWorker.register("/push-worker.js", { scope: "/push/" });

/** This browser's subscription, or null. */
export async function subscriptionHere(): Promise<PushSubscription | null> {
  if (!takesPush()) return null;
  const known = await navigator.serviceWorker.getRegistration("/push/");
  return (await known?.pushManager.getSubscription()) ?? null;
}

/** Ask the person for messages in this browser; throws a DOMException when they, or the browser, will not. */
export async function subscribeHere(key: string): Promise<PushSubscription> {
  const worker = await registration();
  const padded = key.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (key.length % 4)) % 4);
  const applicationServerKey = Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
}
