import type { FeedItem, Texts } from "../api/types";
import { preferences, type Language } from "../preferences.svelte";
import { symbol } from "../units";
import { attributeWords, typeWords } from "./attributes";
import { en, type Message, type MessageKey } from "./en";
import { srCyrl } from "./sr-cyrl";
import { toLatin } from "./transliterate";

/** The texts of a part of the console in both languages. */
export interface Catalogue<Key extends string> {
  en: Record<Key, Message>;
  srCyrl: Record<Key, Message>;
}
const wholeConsole: Catalogue<MessageKey> = { en, srCyrl };

export type Parameters = Record<string, string | number>;

const rules: Record<Language, Intl.PluralRules> = {
  en: new Intl.PluralRules("en"),
  "sr-Cyrl": new Intl.PluralRules("sr"),
  "sr-Latn": new Intl.PluralRules("sr"),
};

function form(message: Message, language: Language, n: number): string {
  if (typeof message === "string") return message;
  const category = rules[language].select(n);
  return (category === "one" ? message.one : category === "few" ? message.few : undefined) ?? message.other;
}

/** A template with its values filled in; what has no value stays as it is. */
export function fill(template: string, parameters: Parameters): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole));
}

/** A text in a given language. Latin is derived from the Cyrillic template before values are filled in. */
export function translate<Key extends string>(
  language: Language,
  key: Key,
  parameters: Parameters,
  catalogue: Catalogue<Key>,
): string {
  const message = (language === "en" ? catalogue.en : catalogue.srCyrl)[key];
  const template = form(message, language, Number(parameters["n"] ?? 0));
  return fill(language === "sr-Latn" ? toLatin(template) : template, parameters);
}

/** A text in the language of the person; reading it inside a component makes it follow the switch. */
export function t(key: MessageKey, parameters: Parameters = {}): string {
  return translate(preferences.language, key, parameters, wholeConsole);
}

/** Names that Vidik gives itself and the accounts it makes (src/vidik/kernel/scripts.py), each in words of the reader. */
const GIVEN_NAMES: Record<string, MessageKey> = {
  Vidik: "app.name",
  "First dispatcher": "name.first",
  demo: "name.demo",
};

/** A name as stored, in the script of the person: Cyrillic stays only for readers of Cyrillic. */
export function inScript(text: string): string {
  const given = Object.hasOwn(GIVEN_NAMES, text) ? GIVEN_NAMES[text] : undefined;
  if (given) return t(given);
  return preferences.language === "sr-Cyrl" ? text : toLatin(text);
}

/** The name of an asset: its English one for who reads English, else as stored, in the script of the person. */
export const assetName = ({ name, name_en }: { name: string; name_en: string | null }): string =>
  inScript(preferences.language === "en" && name_en ? name_en : name);

/** A text that the server sends in all languages. */
export function texts(value: Texts): string {
  if (preferences.language === "en") return value.en;
  if (preferences.language === "sr-Cyrl") return value["sr-Cyrl"] || value.en;
  return toLatin(value["sr-Cyrl"]) || value["sr-Latn"] || value.en;
}

const BEFORE_UNIT =
  /(?<=\d) (?=(?:°C|°|%|µg\/m³|m³\/h|m³|km\/h|km|m|mm|kWh|MWh|kW|W|A|V|bar|hPa|s|min|h|d|l|lx|kg|t)(?![\p{L}\d]))/gu;

/** A sentence of the server: attributes that it names by identifier in words, no number parted from its unit. */
const inWords = (sentence: string): string =>
  capital(
    sentence
      .replace(/\b[a-z]+[A-Z]\w*/g, (name) => (name in attributeWords ? attributeName(name) : name))
      .replace(BEFORE_UNIT, "\u00a0"),
  );

export const alarmText = (alarm: { message: Texts }): string => inWords(texts(alarm.message));

/** Where something was refused: the line of the message, then the field, in words. */
export function fieldName(line: Texts | null | undefined, field: string | null | undefined): string {
  return [line ? texts(line) : "", field ? attributeName(field) : ""].filter(Boolean).join(", ");
}

/** A line of the feed; of a refused message it says where and why. */
export function feedText(item: FeedItem): string {
  if (item.kind !== "dead_letter") return inWords(texts(item.message));
  const where = capital(fieldName(item.line, item.field));
  return `${t("feed.refused")}: ${where ? `${where}: ` : ""}${texts(item.message)}`;
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const spaced = (name: string) => capital(name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll("_", " "));

function words(catalogue: Record<string, { en: Message; "sr-Cyrl": Message }>, name: string): string {
  const pair = catalogue[name];
  if (!pair) return spaced(name);
  const language = preferences.language;
  const text = form(language === "en" ? pair.en : pair["sr-Cyrl"], language, 1);
  return language === "sr-Latn" ? toLatin(text) : text;
}

/** An attribute in words; its unit tells apart what models call by one name. */
export function attributeName(name: string, unit: string | null = null): string {
  const last = name.split(".").at(-1) ?? name;
  const measured = `${last} ${symbol(unit)}`;
  return words(attributeWords, measured in attributeWords ? measured : last);
}
export const typeName = (name: string): string => words(typeWords, name);

/** Why a message was refused, as a sentence. */
export const reasonName = (refused: { reason_texts: Texts }): string => capital(texts(refused.reason_texts));
