import type { Message } from "../message";
import type { ledger as english } from "./ledger.en";

/** The ledger and the mayor's one page, in Serbian (Cyrillic; Latin is derived). */
export const ledger: Record<keyof typeof english, Message> = {
  "ledger.lead":
    "Шта су пилоти уштедели, по закључаним плановима и ценама. Уписи се додају, никад не мењају.",
  "ledger.csv": "Сви уписи (CSV)",
  "ledger.nobody": "Књига је празна. Упис долази када је пилот завршен и неко одлучи.",
  "ledger.toPlans": "На пилоте",
  "ledger.group": "Сабери по",
  "ledger.by.service": "Служба",
  "ledger.by.year": "Година",
  "ledger.by.service_year": "Служба и година",
  "ledger.by.fund": "Извор новца",
  "ledger.measure": "Мера",
  "ledger.count": "Шта се рачуна",
  "ledger.onlyShown": "Само показано",
  "ledger.withAll": "И што није показано",
  "ledger.sums": "Збирови са распонима",
  "ledger.entries": "Уписи",
  "ledger.corrected": "касније исправљено",
  "ledger.signedLate": "План потписан после почетка",
  "ledger.changedLate": "План допуњен после почетка",
  "ledger.corrects": "исправља ранији упис",

  "total.title": "Укупно",
  "total.saved": "Уштеђено",
  "total.counts": "уписа: {n}; показано: {shown}; није показано: {notShown}",
  "total.nothing": "Ништа није показано.",
  "total.level": "Распони садрже прави збир у око {level} случајева.",

  "summary.title": "{city}: шта су пилоти уштедели и колико је то сигурно",
  "summary.asOf": "Стање на дан {day}",
  "summary.print": "Штампај",
  "summary.decided": "Одлучено",
  "summary.under": "Још траје",
  "summary.nobody": "Ниједан пилот још није почео. Ова страна се пуни сама чим неки крене.",

  "cost.years": "{value} год.",
  "cost.months": "{value} мес.",
  "cost.paid":
    "Коштао је {cost}, а штеди {value} годишње ({low} до {high}): исплати се за око {years} ({from} до {to}).",
  "cost.atLeast":
    "Коштао је {cost}, а штеди око {value} годишње: исплати се за око {years} (најмање {from}; други крај се не зна).",
  "cost.atMost": "Коштао је {cost}, а штеди око {value} годишње: исплати се за око {years} (највише {to}).",
  "cost.open":
    "Коштао је {cost}, а штеди око {value} годишње: исплати се за око {years}; колико је то сигурно, не зна се.",
  "cost.notShown": "Коштао је {cost}. Не зна се да ли се то икада исплати: уштеда није показана.",
  "cost.worse": "Коштао је {cost} и то се не исплаћује: погоршало се.",

  "worth.saved": "Вреди {value} по договореним ценама ({low} до {high}).",
  "worth.lost": "Коштало је {value} више по договореним ценама ({low} до {high}).",
  "worth.notShown": "По договореним ценама: између {low} и {high}.",
  "worth.notShownOpen": "По договореним ценама процена је {value}; колико је то сигурно, не зна се.",
  "worth.open": "Вреди {value} по договореним ценама; колико је то сигурно, не зна се.",
  "worth.lostOpen": "Коштало је {value} више по договореним ценама; колико је то сигурно, не зна се.",

  "summary.decision": "Одлука: {decision}",
  "summary.meaning":
    "Уштеђено: цео распон је изнад нуле. Није показано: нула је у распону, па можда није уштедео ништа. Горе: цео распон је испод нуле.",
};
