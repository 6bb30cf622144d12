/** The service worker that brings the phone's page up without a line: only /phone, only files of the page. */
export async function keepShell(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("/phone-worker.js", { scope: "/phone" });
    const { active } = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
    const own = loaded.filter(
      (url) => url.origin === location.origin && /^\/(assets\/|theme\.js|favicon)/.test(url.pathname),
    );
    active?.postMessage({ keep: ["/phone", ...new Set(own.map((url) => url.pathname))] });
  } catch {
    // Without it the phone still works as long as the page stays open.
  }
}
