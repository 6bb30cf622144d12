import type { Message } from "../message";
import type { words as english } from "./words.en";

/** Words and sentences that several of the pilots' screens use, in Serbian (Cyrillic; Latin is derived). */
export const words: Record<keyof typeof english, Message> = {
  "part.choose": "Избор",
  "part.plans": "Пилоти",
  "part.ledger": "Књига уштеда",
  "part.summary": "Једна страна",
  unknown: "непознато",
  none: "нема",
  never: "никад",
  measured: "измерено",
  simulated: "симулирано",
  years: "{value} год.",
  "axis.millions": "{value} мил.",
  millions: "{value} мил. {currency}",

  "verdict.saved": "Уштеђено",
  "verdict.not_shown": "Није показано",
  "verdict.worse": "Горе",

  "decision.scale_up": "Проширити",
  "decision.extend": "Продужити",
  "decision.stop": "Обуставити",

  "state.draft": "Нацрт",
  "state.frozen": "Закључан, није почео",
  "state.running": "У току",
  "state.ended": "Завршен, чека одлуку",
  "state.decided": "Одлучено",

  "findings.more": { one: "још {n}", few: "још {n}", other: "још {n}" },
  "severity.refused": "Одбијено",
  "severity.warning": "Пажња",
  "severity.repaired": "Поправљено",
  "severity.note": "Напомена",

  "say.nothingYet": "Резултата још нема.",
  "say.saved": "Уштедео је {amount}: {share} мање него без пилота.",
  "say.worse": "Није уштедео: {amount} више него без пилота, {share}.",
  "say.notShownLess":
    "Уштеда није показана. Процена је {amount} мање него без пилота ({share}), не више него што и сам случај може да донесе.",
  "say.notShownMore":
    "Уштеда није показана. Процена је {amount} више него без пилота ({share}), не више него што и сам случај може да донесе.",
  "say.between":
    "Права уштеда је између {low} и {high}. Такав распон садржи истину у око {n} од 100 пилота (интервал {level}).",
  "say.betweenLoss":
    "Прави губитак је између {low} и {high}. Такав распон садржи истину у око {n} од 100 пилота (интервал {level}).",
  "say.atLeast": "Права уштеда је најмање {low}; колика највише може бити, не зна се (интервал {level}).",
  "say.atMost": "Права уштеда је највише {high}; колика најмање може бити, не зна се (интервал {level}).",
  "say.noInterval":
    "Колико је ово поуздано не може се рећи: премало се зна како се такве бројке крећу саме од себе.",
  "say.chance": {
    one: "У {n} пробном прорачуну у коме ништа није мењано, овако јак учинак појавио се у {share} случајева.",
    few: "У {n} пробна прорачуна у којима ништа није мењано, овако јак учинак појавио се у {share} случајева.",
    other:
      "У {n} пробних прорачуна у којима ништа није мењано, овако јак учинак појавио се у {share} случајева.",
  },
  "say.noPlacebo": "Није било пробних прорачуна са бројилима или раздобљима у којима ништа није мењано.",
  "say.choiceSure": "Избор је чврст.",
  "say.choiceLikely": "Избор је вероватно добар, али није чврст.",
  "say.choiceOpen": "Избор је отворен: друге тројке су готово једнако добре. Погледајте шта би га променило.",

  "picture.table": "Табела",
  "picture.empty": "Бројки још нема.",

  "bar.worse": "горе",
  "bar.better": "уштеђено",

  "sum.band": "{low} до {high}",
  "sum.entries": { one: "{n} упис", few: "{n} уписа", other: "{n} уписа" },

  "column.pilot": "Пилот",
  "column.result": "Резултат",
  "column.saving": "Уштеда",
  "column.share": "Уштеђени удео",
  "column.money": "Новац",
  "column.cost": "Колико је коштао",
  "column.paidBack": "Исплати се за, година",
  "column.decision": "Одлука",
  "column.entries": "Уписа",
  "column.low": "од",
  "column.high": "до",
  "column.month": "Месец",
  "column.days": "Дана",
  "column.npv": "Нето садашња вредност (90 % исхода)",
  "column.irr": "Интерна стопа приноса",
  "column.payback": "Повраћај",
  "column.tonne": "Цена тоне CO₂",
  "column.provable": "Може ли се уштеда овде доказати?",

  "weekday.0": "по",
  "weekday.1": "ут",
  "weekday.2": "ср",
  "weekday.3": "че",
  "weekday.4": "пе",
  "weekday.5": "су",
  "weekday.6": "не",

  "fund.city": "Буџет града",

  "job.label": "Напредак",
  "job.waiting": "Чека на ред…",
  "job.reading": "Читају се мерења…",
  "job.computing": "Рачуна се…",
  "job.writing": "Уписује се…",

  "sum.noBand": "распон није познат",
};
