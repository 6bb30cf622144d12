// The button of the page of warnings: messages to this browser, on and off. The page works without it.
const button = document.getElementById("tell");
const why = document.getElementById("why");

if (button && why && "serviceWorker" in navigator && "PushManager" in window) {
  const explanation = why.textContent;
  const post = (path, body) =>
    fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const standing = async () =>
    (await (await navigator.serviceWorker.getRegistration("/push/"))?.pushManager.getSubscription()) ?? null;
  const show = async () => {
    const on = (await standing()) !== null && localStorage.getItem("vidik.warnings") === "on";
    button.textContent = on ? button.dataset.off : button.dataset.on;
    button.hidden = why.hidden = false;
    return on;
  };
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const known = await standing();
      if (known && localStorage.getItem("vidik.warnings") === "on") {
        await post("/cap/browsers/remove", { endpoint: known.endpoint });
        localStorage.removeItem("vidik.warnings");
      } else {
        const { key } = await (await fetch("/cap/push-key")).json();
        const worker = await navigator.serviceWorker.register("/push-worker.js", { scope: "/push/" });
        const text = atob(
          key.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (key.length % 4)) % 4),
        );
        const applicationServerKey = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
        const found =
          known ?? (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
        const { endpoint, keys } = found.toJSON();
        const language = document.documentElement.lang;
        const answer = await post("/cap/browsers", { endpoint, keys, language });
        if (!answer.ok) throw new Error(String(answer.status));
        localStorage.setItem("vidik.warnings", "on");
      }
      why.textContent = explanation;
      await show();
    } catch {
      why.textContent = button.dataset.refused;
    } finally {
      button.disabled = false;
    }
  });
  void show();
}
