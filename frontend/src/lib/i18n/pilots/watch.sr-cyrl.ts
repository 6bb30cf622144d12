import type { Message } from "../message";
import type { watch as english } from "./watch.en";

/** Watch: what a pilot has saved so far, and the questions it asks, in Serbian (Cyrillic; Latin is derived). */
export const watch: Record<keyof typeof english, Message> = {
  "watch.title": "Резултат пилота",
  "watch.toPlan": "План",
  "watch.compute": "Израчунај изнова",
  "watch.computed": "Израчунато {when}.",
  "watch.nothing":
    "Још ништа није израчунато. Ради се једном дневно док пилот траје; „Израчунај изнова“ то ради сада.",
  "watch.soFar": "До сада, до {day}",
  "watch.final": "Кроз цео период",
  "watch.calibrated": "Наш распон",
  "watch.guideline":
    "За ревизоре који питају: по формули Guideline 14 распон би био {low} до {high}. На зградама у којима ништа није мењано та формула је превише сигурна у себе; наша је проверена на таквим случајевима.",
  "watch.moneyVat": "Новац, са ПДВ-ом",
  "watch.moneyNoVat": "Новац, без ПДВ-а",
  "watch.failed": "Последњи прорачун није успео.",
  "watch.changed": "Подаци су промењени после закључавања.",
  "watch.changedLong":
    "Мерења из времена пре нису она која су потписана. Ништа није поправљено; резултат испод користи их какви су сада.",
  "watch.sufficiency": "Има ли довољно података?",
  "watch.enough": "Да, по правилима CalTRACK.",
  "watch.findings": "Шта треба знати о овом резултату",
  "watch.noFindings": "Ништа се не издваја.",

  "chart.cumulativeTitle": "Уштеђено до сада",
  "chart.cumulativeLead":
    "Изнад нуле је уштеђено. Док појас ({level}) још садржи нулу, уштеда није показана.",
  "chart.cumulative": "уштеђено укупно",
  "chart.band": "интервал {level}",
  "chart.compareTitle": "Шта је било и шта би било",
  "chart.compareLead": "Шта је измерено и шта би било без пилота (противчињенично), дан по дан.",
  "chart.weekly": "Цртано као просек седам дана; увећајте да видите поједине дане.",
  "chart.actual": "измерено",
  "chart.counterfactual": "без пилота",
  "chart.events": "нешто се догодило",
  "chart.keys": "Тастери са стрелицама читају вредности сваког дана.",

  "event.open": {
    one: "{n} питање је отворено",
    few: "{n} питања су отворена",
    other: "{n} питања је отворено",
  },
  "event.done": "Одговорена питања",
  "event.ask": "Шта је то било?",
  "event.routine": "Део обичног живота",
  "event.routineLong": "Остаје у резултату.",
  "event.excluded": "Није због пилота: изостави ове дане",
  "event.excludedLong": "Додаје се допуна плана.",
  "event.adjusted": "Није због пилота: исправи за познату количину",
  "event.adjustedLong": "За трајну промену чија је величина позната. Додаје се допуна.",
  "event.perDay": "Више или мање дневно ({unit}); минус за мање",
  "event.perDayHint": "Број, 12,5 или −12,5",
  "event.note": "Шта се догодило",
  "event.send": "Одговори",
  "event.waits": "На ово мора да одговори енергетски или комунални менаџер пре одлуке.",
  "event.answered": "{answer} ({who}, {when}).",

  "units.title": "Свако место за себе",
  "units.lead":
    "Колико је модел грешио у времену пре, у мерама Guideline 14: средња грешка по сату и дану (CV(RMSE)) и пристрасност (NMBE), као удео просека.",
  "units.unit": "Место",
  "units.model": "Модел",
  "units.hourly": "Грешка, сат",
  "units.daily": "Грешка, дан",
  "units.bias": "Пристрасност",
  "units.within": "У границама Guideline 14",
  "units.donors": "Упоређено са",

  "decide.title": "Одлучи",
  "decide.correct": "Исправи одлуку",
  "decide.rule": "По правилу самог плана: {decision}.",
  "decide.ask": "Шта град чини",
  "decide.note": "Напомена (није обавезна)",
  "decide.why": "Зашто (одступате од правила, или исправљате ранији упис)",
  "decide.meaning": "Одлука иде у књигу са вашим именом. Уписи се никад не мењају; исправка је нов упис.",
  "decide.send": "Упиши у књигу",

  "report.title": "Извештај",
  "report.html": "Читај",
  "report.extract": "Подаци за ревизоре (ZIP)",
  "report.verify": "Ревизор може да га прерачуна: vidik pilot verify REPORT",
};
