import { describe, expect, it } from "vitest";
import { en } from "../src/lib/i18n/en";
import { srCyrl } from "../src/lib/i18n/sr-cyrl";
import { fold, toLatin } from "../src/lib/i18n/transliterate";

describe("Latin from Cyrillic", () => {
  it.each([
    ["инјекција", "injekcija"],
    ["надживети", "nadživeti"],
    ["Танјуг", "Tanjug"],
    ["коњугација", "konjugacija"],
    ["џеп", "džep"],
    ["одживети", "odživeti"],
    ["Вожда Карађорђа", "Vožda Karađorđa"],
    ["Ђердап, Ћуприја, Шабац, Чачак", "Đerdap, Ćuprija, Šabac, Čačak"],
    ["Љубав, Његош, Џон", "Ljubav, Njegoš, Džon"],
    ["ЉУБАВ ЊЕГОШ ЏОН", "LJUBAV NJEGOŠ DŽON"],
    ["КРАЉ", "KRALJ"],
    ["Предајна станица Љ", "Predajna stanica Lj"],
  ])("writes %s as %s", (cyrillic, latin) => {
    expect(toLatin(cyrillic)).toBe(latin);
  });

  it("leaves what is already Latin alone: addresses, units, names", () => {
    const text = "PM2.5 34 µg/m³, https://vidik.rs/njegov?x=nj, nis-heat-l8";
    expect(toLatin(text)).toBe(text);
    expect(toLatin("Отворите https://ni.rs/džep")).toBe("Otvorite https://ni.rs/džep");
  });

  it("keeps the places for values", () => {
    expect(toLatin("пре {n} min")).toBe("pre {n} min");
  });
});

describe("folding for search", () => {
  it.each([
    ["Карађорђа", "karadjordja"],
    ["Karađorđa", "karadjordja"],
    ["Čačak", "cacak"],
    ["Душанова", "dusanova"],
  ])("makes %s comparable as %s", (typed, folded) => {
    expect(fold(typed)).toBe(folded);
  });
});

describe("the catalogue", () => {
  const placeholders = (message: unknown) =>
    [...new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? [])].sort();

  it("has the same places for values in both languages", () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(placeholders(srCyrl[key]), key).toEqual(placeholders(en[key]));
    }
  });
});
