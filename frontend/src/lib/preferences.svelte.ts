/** What a person chose on this machine: language, theme. Kept in the browser, never on the server. */
export type Language = "en" | "sr-Cyrl" | "sr-Latn";
export type Theme = "dark" | "light" | "system" | "wall";

export const LANGUAGES: { code: Language; short: string; name: string }[] = [
  { code: "sr-Cyrl", short: "Ћир", name: "Српски, ћирилица" },
  { code: "sr-Latn", short: "Lat", name: "Srpski, latinica" },
  { code: "en", short: "En", name: "English" },
];

const STORE = "vidik.preferences";

function stored(): { language?: Language; theme?: Theme } {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}");
  } catch {
    return {};
  }
}

function browserLanguage(): Language {
  const first = typeof navigator === "undefined" ? "en" : navigator.language.toLowerCase();
  if (!/^(sr|bs|hr|cnr|sh)\b/.test(first)) return "en";
  return first.startsWith("sr") && !first.includes("latn") ? "sr-Cyrl" : "sr-Latn";
}

class Preferences {
  language = $state<Language>("en");
  theme = $state<Theme>("system");
  systemIsLight = $state(false);

  start(): void {
    const choice = stored();
    this.language = choice.language ?? browserLanguage();
    this.theme = choice.theme ?? "system";
    const light = matchMedia("(prefers-color-scheme: light)");
    this.systemIsLight = light.matches;
    light.addEventListener("change", (event) => {
      this.systemIsLight = event.matches;
      this.apply();
    });
    // Paper is light, whatever the screen is.
    window.addEventListener("beforeprint", () => (document.documentElement.dataset["theme"] = "light"));
    window.addEventListener("afterprint", () => this.apply());
    this.apply();
  }

  choose(change: { language?: Language; theme?: Theme }): void {
    Object.assign(this, change);
    localStorage.setItem(STORE, JSON.stringify({ language: this.language, theme: this.theme }));
    this.apply();
  }

  /** The theme that is drawn once "system" has been resolved. */
  get drawnTheme(): "dark" | "light" | "wall" {
    if (this.theme !== "system") return this.theme;
    return this.systemIsLight ? "light" : "dark";
  }

  private apply(): void {
    document.documentElement.dataset["theme"] = this.drawnTheme;
    document.documentElement.lang = this.language;
  }
}

export const preferences = new Preferences();
