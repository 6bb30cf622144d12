import type { Message } from "./message";
import type { refusals as english } from "./refusals.en";

/** What the server refuses, in Serbian Cyrillic. */
export const refusals: Record<keyof typeof english, Message> = {
  "error.already-acknowledged": "Овај аларм је већ потврђен ({person}).",
  "error.already-hidden": "Овај аларм је већ склоњен у страну.",
  "error.not-hidden": "Овај аларм више није склоњен у страну.",
  "error.alarm-hidden": "Овај аларм је склоњен у страну: прво га вратите.",
  "error.active": "Нешто још није у реду: поништите га кад очитавања буду добра.",
  "error.not-latched": "Овај аларм је завршен: нема шта да се поништи.",
  "error.incident-state": "Инцидент {number} у међувремену стоји другачије: погледајте га поново.",
  "error.already-linked": "Већ припада инциденту {number}.",
  "error.not-linked": "Више не припада овом инциденту.",
  "error.merge-itself": "Инцидент не може да постане део самог себе.",
  "error.unknown-type": "Те врсте инцидента више нема: изаберите другу.",
  "error.unknown-person": "Те особе више нема: изаберите другу.",
  "error.no-account": "Те особе више нема: изаберите другу.",
  "error.exercise-over": "Вежба је завршена.",
  "error.task-over": "Задатак је завршен. Прво га отворите поново.",
  "error.task-not-over": "Задатак није завршен: нема шта да се отвори поново.",
  "error.task-same-crew": "Ова екипа већ има тај задатак.",
  "error.task-without-crew": "Ниједна екипа више нема тај задатак.",
  "error.task-of-others": "Овај задатак никад није додељен вашој екипи.",
  "error.crew-not-in-use": "Ова екипа више није у употреби: изаберите другу.",
  "error.crew-name-taken": "Екипа са тим називом већ постоји.",
  "error.crew-has-tasks": "Екипа још има отворене задатке: прво их дајте другој.",
  "error.no-skill": "Те вештине више нема: изаберите другу.",
  "error.off-duty": "Екипа није на дужности: њен положај се не узима.",
  "error.position-time": "Положај долази из будућности: погледајте сат на телефону.",
  "error.duty-end": "Дужност се завршава у наредна 24 сата.",
  "error.no-photo": "Ово није фотографија која може да се прочита (JPEG, PNG или WebP).",
  "error.photo-too-large": "Фотографија је превелика.",
  "error.too-many-photos": "Задатак већ има највише фотографија што може.",
  "error.changed-meanwhile":
    "{changed_by} је ово у међувремену променио или променила. Погледајте шта сада стоји, па одлучите поново.",
  "error.not-found": "Тога више нема, или га не смете видети.",
};
