import { preferences } from "../preferences.svelte";
import { toLatin } from "./transliterate";

/** What actions are done on, as the audit record names it before the colon, in English and Serbian Cyrillic. */
const KINDS: Record<string, readonly [string, string]> = {
  account: ["Account", "Налог"],
  alarm: ["Alarm", "Аларм"],
  "alarm-group": ["Group of alarms", "Група аларма"],
  area: ["Area", "Област"],
  channel: ["Way to reach people", "Начин обавештавања"],
  crew: ["Crew", "Екипа"],
  device: ["Device", "Уређај"],
  "duty-log": ["Line of the duty log", "Ред дневника дежурства"],
  escalation: ["Call for help", "Позив за помоћ"],
  exercise: ["Exercise", "Вежба"],
  file: ["File", "Датотека"],
  handover: ["Handover", "Примопредаја"],
  hold: ["Hold on alarms", "Задржавање аларма"],
  incident: ["Incident", "Инцидент"],
  login: ["Sign-in name", "Име за пријављивање"],
  "on-call-plan": ["On-call plan", "План приправности"],
  phone: ["Crew's phone", "Телефон екипе"],
  pilot: ["Pilot", "Пилот"],
  procedure: ["Procedure", "Поступак"],
  "procedure-run": ["Run of a procedure", "Ток поступка"],
  request: ["Request", "Пријава"],
  rule: ["Rule", "Правило"],
  session: ["Session", "Сесија"],
  shift: ["Shift", "Смена"],
  snapshot: ["Snapshot", "Снимак стања"],
  task: ["Task", "Задатак"],
  token: ["Token", "Токен"],
  "vital-sign": ["Vital sign", "Животни знак"],
  warning: ["Warning", "Упозорење"],
};
const PARTS: Record<string, readonly [string, string]> = {
  "command line": ["command line", "командна линија"],
  exercises: ["exercises", "вежбе"],
  incidents: ["incidents", "инциденти"],
  procedures: ["procedures", "поступци"],
  retention: ["end of storage", "истек чувања"],
  "sign-in": ["sign-in", "пријављивање"],
  start: ["start", "покретање"],
};
const LONGEST = 24;

function said([en, srCyrl]: readonly [string, string]): string {
  if (preferences.language === "en") return en;
  return preferences.language === "sr-Cyrl" ? srCyrl : toLatin(srCyrl);
}

/** What an action was done on, such as "Incident 3"; a long identifier is cut. */
export function subjectText(subject: string): string {
  const devices = /^(\d+) devices$/.exec(subject);
  if (devices) return `${said(["Devices", "Уређаја"])}: ${devices[1]}`;
  const [kind = "", ...rest] = subject.split(":");
  const known = KINDS[kind];
  if (!known || rest.length === 0) return subject;
  const name = rest.join(":");
  return `${said(known)} ${name.length > LONGEST ? `${name.slice(0, 12)}…` : name}`;
}

/** Who acted: a person's name for signing in, or the part of Vidik that did it by itself. */
export function actorText({ actor, login }: { actor: string; login: string }): string {
  const part = actor.startsWith("system:") ? PARTS[login] : undefined;
  return part ? `${said(["Vidik", "Видик"])}: ${said(part)}` : login;
}
