import { api } from "./api/client";
import type { Area, AreaShape, Belonging } from "./api/types";
import { inScript } from "./i18n/index.svelte";

/** The areas of the city, read when first asked for; their names stand wherever a thing says whose it is. */
class Areas {
  all = $state.raw<Area[] | null>(null);
  private asked = false;

  /** Read them if nobody has; a failure leaves codes in the place of names. */
  need(): void {
    if (this.asked) return;
    this.asked = true;
    void this.load().catch(() => (this.asked = false));
  }

  async load(): Promise<void> {
    this.all = (await api.areas()).items;
    this.asked = true;
  }

  name(code: string): string {
    const found = this.all?.find((area) => area.code === code);
    return found ? inScript(found.name) : code;
  }
}

export const areas = new Areas();

/** Whose a thing is, in words: "toplana · Medijana"; empty for what is the whole city's. */
export function whoseText(thing: Belonging): string {
  const organisations = thing.organisations.map((name) => inScript(name)).join(", ");
  return [organisations, thing.areas.map((code) => areas.name(code)).join(", ")].filter(Boolean).join(" · ");
}

/** An area in a GeoJSON file: the name that it has there, if any. */
export interface Drawn {
  name: string;
  shape: AreaShape;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** Every polygon of a GeoJSON text (a geometry, a feature or a collection); null when it is none. */
export function readGeoJson(text: string): Drawn[] | null {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    return null;
  }
  return isObject(told) ? polygonsOf(told, "") : null;
}

function polygonsOf(told: Json, name: string): Drawn[] {
  if (told["type"] === "FeatureCollection" && Array.isArray(told["features"]))
    return told["features"].filter(isObject).flatMap((feature) => polygonsOf(feature, ""));
  if (told["type"] === "Feature" && isObject(told["geometry"])) {
    const properties = isObject(told["properties"]) ? told["properties"] : {};
    const said = ["name:sr", "name", "naziv", "NAME"].map((key) => properties[key]);
    return polygonsOf(told["geometry"], String(said.find((one) => typeof one === "string") ?? ""));
  }
  const kind = told["type"];
  if ((kind !== "Polygon" && kind !== "MultiPolygon") || !Array.isArray(told["coordinates"])) return [];
  return [{ name, shape: { type: kind, coordinates: flat(told["coordinates"]) } as AreaShape }];
}

/** Positions without the height that some files give. */
const flat = (value: unknown): unknown =>
  Array.isArray(value)
    ? typeof value[0] === "number"
      ? value.slice(0, 2)
      : value.map((one: unknown) => flat(one))
    : value;

/** A code for a name: "Niška Banja" becomes "niska-banja". */
export function codeOf(latin: string): string {
  const plain = latin
    .replaceAll("đ", "dj")
    .replaceAll("Đ", "dj")
    .normalize("NFD")
    .replaceAll(/[\u0300-\u036f]/g, "");
  return plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40);
}
