import type { AssetState } from "../api/types";

/** The colours of the theme that the map needs as plain values: a canvas cannot read custom properties. */
export interface Palette {
  ground: string;
  surface: string;
  line: string;
  ink: string;
  quiet: string;
  accent: string;
  map: {
    ground: string;
    street: string;
    streetCase: string;
    label: string;
    water: string;
    green: string;
    building: string;
  };
  states: Record<AssetState, string>;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: token("map-ground"),
    surface: token("surface"),
    line: token("line-strong"),
    ink: token("ink"),
    quiet: token("ink-3"),
    accent: token("accent"),
    map: {
      ground: token("map-ground"),
      street: token("map-street"),
      streetCase: token("map-street-case"),
      label: token("map-label"),
      water: token("map-water"),
      green: token("map-green"),
      building: token("map-building"),
    },
    states: {
      normal: token("ink-3"),
      critical: token("critical"),
      high: token("high"),
      medium: token("medium"),
      low: token("low"),
      unknown: token("unknown"),
      out_of_service: token("out"),
    },
  };
}
