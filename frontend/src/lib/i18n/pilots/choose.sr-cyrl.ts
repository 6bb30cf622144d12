import type { Message } from "../message";
import type { choose as english } from "./choose.en";

/** Choose: which three services to pilot, in Serbian (Cyrillic; Latin is derived). */
export const choose: Record<keyof typeof english, Message> = {
  "provable.yes": "Да",
  "provable.barely": "Једва",
  "provable.no": "Не",

  "choose.title": "Која три пилота изабрати",
  "choose.working":
    "Ово су услуге и шта се о њима претпоставља. Које три су најбоље рачуна се управо у хиљадама могућих светова; први пут то траје неколико секунди.",
  "choose.lead":
    "Нико не зна тачно трошкове и уштеде. Зато је извучено {draws} могућих будућности, и у свакој је упоређено свих 35 тројки.",
  "choose.best": "Три у оквиру буџета због којих би се најмање жалило",
  "choose.how": "Најбоље у {share} будућности.",
  "choose.costs":
    "Коштају {cost} од {budget} и у просеку доносе {npv}. Ако се друга тројка покаже бољом, у просеку се губи {regret}.",
  "choose.changed": "Ваше бројке мењају избор. Било је: {before} ({share}).",
  "choose.same": "Ваше бројке не мењају избор; био је најбољи у {share}.",
  "choose.none": "Ниједна тројка не стаје у овај буџет. Повећајте га да видите која би стала.",

  "map.title": "Изгледи и жаљење",
  "map.lead":
    "Десно: често међу најбоље три. Више горе: скупо ако се покаже погрешним. Притисните службу да видите њене бројке и изворе.",
  "map.probability": "Међу најбоље три",
  "map.regret": "Жаљење, {currency}",
  "map.goodCorner": "сигуран избор",
  "map.badCorner": "ретко најбоље, скупа грешка",
  "map.inTriple": "у најбољој тројци",
  "map.notInTriple": "није у најбољој тројци",
  "map.before": "са бројкама града",
  "map.point": "{name}: међу најбоље три у {probability}, жаљење {regret}",
  "map.overBudget": "преко буџета",
  "map.overBudgetLong": "Није на мапи, јер свака тројка са њом прелази буџет: {names}.",

  "changes.title": "Шта би променило избор",
  "changes.none": "Ниједна бројка сама у свом распону не мења најбољу тројку. Најближе које би:",
  "changes.enters": "{service} улази ако је {parameter} {to} (узето: {from}).",
  "changes.leaves": "{service} испада ако је {parameter} {to} (узето: {from}).",
  "changes.inside": "Могуће у распону који је дао сам град.",
  "changes.outside": "Изван распона који је дао сам град.",

  "parameter.cost": "трошак",
  "parameter.yearly_cost": "годишњи трошак",
  "parameter.saving_fraction": "уштеда",
  "parameter.price": "цена јединице",
  "parameter.chance_of_failure": "изглед неуспеха",

  "whatIf.title": "Шта ако",
  "whatIf.lead": "Померите бројку и избор се рачуна изнова. Ништа се не чува док не сачувате.",
  "whatIf.view": "Корист за кога",
  "whatIf.society": "За све људе",
  "whatIf.societyLong": "Шта добијају сви људи, са угљеником",
  "whatIf.cityBudget": "Буџет града",
  "whatIf.cityBudgetLong": "Само оно што стигне у буџет града",
  "whatIf.budget": "Буџет",
  "whatIf.rate": "Дисконтна стопа: колико мање вреди новац за годину дана",
  "whatIf.cost": "Трошак, највероватнији",
  "whatIf.saving": "Уштеда, највероватнија",
  "whatIf.was": "било {value}",
  "whatIf.moved": "померено",
  "whatIf.busy": "Рачуна се…",
  "whatIf.notSaved": "Ове бројке су само ваше док се не сачувају.",
  "whatIf.reset": "Врати бројке града",
  "whatIf.save": "Сачувај као бројке града",

  "economics.title": "Трошкови и користи",
  "economics.lead":
    "Кроз {years} година. Нето садашња вредност: оно што дође мање оно што оде, у данашњем новцу; линија обухвата 90 % будућности.",

  "numbers.title": "{name}: бројке",
  "numbers.open": "Бројке и њихови извори",
  "numbers.range": "{likely} ({low} до {high})",
  "numbers.cost": "Трошак",
  "numbers.saving": "Уштеда",
  "numbers.scope": "Шта се испробава",
  "numbers.yearlyCost": "Годишњи трошак",
  "numbers.price": "Цена јединице",
  "numbers.failure": "Изглед да се не уштеди ништа",
  "numbers.base": "Годишња потрошња сада",
  "numbers.value": "Вредност годишње уштеде",
  "numbers.years": "Колико година траје",
  "numbers.gains": "Ко добија",
  "numbers.risk": "Шта може поћи наопако",
  "numbers.provable": "Доказивост",
  "numbers.detectable": "изгледи {chance}; најмања уштеда која се види: {detectable}, очекивана: {expected}",
  "numbers.sources": "Извори",
  "numbers.noSources": "Извор није наведен; бројке узмите као нагађање.",
  "numbers.method": "ниска и висока вредност су оне које се премаше само у по 1 од 20 случајева.",

  "ranks.title": "Исто по три методе",
  "ranks.ours": "По изгледима",
  "ranks.fragile": {
    one: "Једно рангирање по бодовима ставља {n} другу службу међу прве три: линије које се укрштају показују колико су таква рангирања крхка.",
    few: "Једно рангирање по бодовима ставља {n} друге службе међу прве три: линије које се укрштају показују колико су таква рангирања крхка.",
    other:
      "Једно рангирање по бодовима ставља {n} других служби међу прве три: линије које се укрштају показују колико су таква рангирања крхка.",
  },
  "ranks.stability": "{method} задржава своју тројку у {worlds} будућности, и у {weights} других тежина.",
  "ranks.agree": "Појединачна рангирања по бодовима налазе исту тројку. Није увек тако.",
};
