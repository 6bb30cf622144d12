// Runs before the first paint so that a dark room is not lit by a white flash.
(() => {
  let choice = "system";
  try {
    choice = JSON.parse(localStorage.getItem("vidik.preferences") ?? "{}").theme ?? "system";
  } catch {
    choice = "system";
  }
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = choice === "system" ? (light ? "light" : "dark") : choice;
})();
