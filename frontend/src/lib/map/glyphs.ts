import { SERVICE_ICONS } from "../icons";
import type { AssetService, AssetState, Origin } from "../api/types";
import type { Palette } from "./palette";

const SIDE = 36;
const SCALE = 2;

export interface Picture {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

function outline(context: CanvasRenderingContext2D, state: AssetState, r: number): void {
  context.beginPath();
  if (state === "critical") {
    context.moveTo(0, -r * 1.25);
    context.lineTo(r * 1.25, 0);
    context.lineTo(0, r * 1.25);
    context.lineTo(-r * 1.25, 0);
    context.closePath();
  } else if (state === "high") {
    context.moveTo(0, -r * 1.3);
    context.lineTo(r * 1.3, r * 0.95);
    context.lineTo(-r * 1.3, r * 0.95);
    context.closePath();
  } else if (state === "medium") {
    context.roundRect(-r * 0.92, -r * 0.92, r * 1.84, r * 1.84, 2);
  } else {
    context.arc(0, 0, r, 0, Math.PI * 2);
  }
}

/** A dashed box around what belongs to an exercise: it must not be taken for the real thing beside it. */
function paintExercise(context: CanvasRenderingContext2D, palette: Palette): void {
  context.save();
  context.lineCap = "butt";
  context.setLineDash([5, 3]);
  context.strokeStyle = palette.quiet;
  context.lineWidth = 2;
  context.strokeRect(-13.5, -13.5, 27, 27);
  context.restore();
}

/** Dotted for simulated, dashed for recorded, a full line for what is measured now. */
function setDash(context: CanvasRenderingContext2D, origin: Origin): void {
  context.lineCap = origin === "simulated" ? "round" : "butt";
  context.setLineDash(origin === "simulated" ? [0.1, 3.2] : origin === "recorded" ? [4, 2.4] : []);
}

function icon(
  context: CanvasRenderingContext2D,
  service: AssetService,
  colour: string,
  size: number,
  dy = 0,
): void {
  const path = SERVICE_ICONS[service];
  if (!path) return;
  context.save();
  context.translate(-size / 2, -size / 2 + dy);
  context.scale(size / 24, size / 24);
  context.strokeStyle = colour;
  context.lineWidth = 2.3;
  context.lineCap = context.lineJoin = "round";
  context.setLineDash([]);
  context.stroke(new Path2D(path));
  context.restore();
}

function hatch(context: CanvasRenderingContext2D, r: number, colour: string): void {
  context.save();
  outline(context, "unknown", r);
  context.clip();
  context.beginPath();
  for (let at = -2 * r; at < 2 * r; at += 3.4) {
    context.moveTo(at, r);
    context.lineTo(at + 2 * r, -r);
  }
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}

function strike(context: CanvasRenderingContext2D, r: number, colour: string): void {
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(-r * 1.15, r * 1.15);
  context.lineTo(r * 1.15, -r * 1.15);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.stroke();
}

function paintDot(context: CanvasRenderingContext2D, origin: Origin, palette: Palette): void {
  context.beginPath();
  context.arc(0, 0, 3.6, 0, Math.PI * 2);
  context.fillStyle = palette.surface;
  context.fill();
  context.strokeStyle = palette.quiet;
  context.lineWidth = 1.3;
  if (origin === "simulated") {
    context.lineCap = "round";
    context.setLineDash([0.1, 2.2]);
  }
  context.stroke();
}

function paintFull(
  context: CanvasRenderingContext2D,
  service: AssetService,
  state: AssetState,
  origin: Origin,
  palette: Palette,
): void {
  const colour = palette.states[state];
  if (state === "normal" || state === "out_of_service") {
    outline(context, state, 9.5);
    context.fillStyle = palette.surface;
    context.fill();
    setDash(context, origin);
    context.strokeStyle = palette.quiet;
    context.lineWidth = origin === "simulated" ? 1.6 : 1.2;
    context.stroke();
    icon(context, service, palette.quiet, 12.5);
    if (state === "out_of_service") strike(context, 9, colour);
    return;
  }
  if (state === "unknown") {
    outline(context, state, 10.5);
    context.fillStyle = palette.surface;
    context.fill();
    hatch(context, 10.5, colour);
    outline(context, state, 10.5);
    setDash(context, origin);
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.stroke();
    context.beginPath();
    context.arc(0, 0, 6.8, 0, Math.PI * 2);
    context.fillStyle = palette.surface;
    context.fill();
    icon(context, service, colour, 10.5);
    return;
  }
  outline(context, state, 10.5);
  context.lineJoin = "round";
  context.strokeStyle = palette.ground;
  context.lineWidth = 3;
  context.stroke();
  context.fillStyle = colour;
  context.fill();
  icon(context, service, palette.ground, state === "high" ? 10.5 : 12, state === "high" ? 2.2 : 0);
  if (origin === "simulated" || origin === "recorded") {
    outline(context, state, 13.2);
    setDash(context, origin);
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.stroke();
  }
}

/** The small mark at the shoulder of a cluster that says how bad its worst asset is. */
function paintBadge(context: CanvasRenderingContext2D, state: AssetState, palette: Palette): void {
  const r = 6;
  outline(context, state, r);
  context.lineJoin = "round";
  context.strokeStyle = palette.ground;
  context.lineWidth = 4;
  context.stroke();
  if (state === "unknown" || state === "out_of_service") {
    context.fillStyle = palette.surface;
    context.fill();
    if (state === "unknown") hatch(context, r, palette.states[state]);
    else strike(context, r * 0.8, palette.states[state]);
    outline(context, state, r);
    context.strokeStyle = palette.states[state];
    context.lineWidth = 1.4;
    context.stroke();
    return;
  }
  context.fillStyle = palette.states[state];
  context.fill();
}

/** A citizen's words: a speech bubble, filled while nobody works on it; dotted around when simulated. */
function paintRequest(
  context: CanvasRenderingContext2D,
  state: string,
  origin: Origin,
  palette: Palette,
): void {
  const isNew = state === "new";
  const bubble = new Path2D("M-8 -7H8V4H0L-4 9V4H-8Z");
  context.lineJoin = "round";
  context.strokeStyle = palette.ground;
  context.lineWidth = 5;
  context.stroke(bubble);
  context.fillStyle = isNew ? palette.ink : palette.surface;
  context.fill(bubble);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.5;
  context.stroke(bubble);
  context.strokeStyle = isNew ? palette.surface : palette.ink;
  context.stroke(new Path2D("M-4.500 -3.500H4.500M-4.500 0.300H1.500"));
  if (origin !== "simulated" && origin !== "recorded") return;
  setDash(context, origin);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.4;
  context.stroke(new Path2D("M-11.500 -10.500H11.500V7.500H1.500L-6.500 14V7.500H-11.500Z"));
}

/**
 * A crew: a person; hollow while free, half filled with an arrow when sent, filled with a tick on site. Dashed when it
 * has not said for long where it is, dotted around when simulated.
 */
function paintCrew(
  context: CanvasRenderingContext2D,
  state: string,
  lost: boolean,
  origin: Origin,
  palette: Palette,
): void {
  const figure = new Path2D(
    "M3.500 -6a3.500 3.500 0 1 1-7 0a3.500 3.500 0 1 1 7 0M-8 8c0-6 3-8.500 8-8.500s8 2.500 8 8.500Z",
  );
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = palette.ground;
  context.lineWidth = 5;
  context.stroke(figure);
  context.fillStyle = state === "on_site" ? palette.ink : palette.surface;
  context.fill(figure);
  if (state === "sent") {
    context.save();
    context.clip(figure);
    context.fillStyle = palette.ink;
    context.fillRect(-14, 3.5, 28, 14);
    context.restore();
  }
  context.setLineDash(lost ? [2.5, 2.5] : []);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.6;
  context.stroke(figure);
  context.setLineDash([]);
  if (state !== "free") {
    const sign = new Path2D(state === "sent" ? "M7 -8h6M10.500 -10.500 13 -8l-2.500 2.500" : "M7 -8l2 2 4-4");
    context.strokeStyle = palette.ground;
    context.lineWidth = 4.5;
    context.stroke(sign);
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.8;
    context.stroke(sign);
  }
  if (origin !== "simulated") return;
  setDash(context, origin);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.4;
  context.stroke(
    new Path2D(
      "M-11.500 11.500V4c0-5 3-7.500 5.500-8.500V-6a6 6 0 0 1 12 0v1.500c2.500 1 5.500 3.500 5.500 8.500v7.500Z",
    ),
  );
}

/** Draw the picture that a glyph's name asks for: "full|heating|high|recorded", "badge|high", "badge|high||exercise", "request|new||real", "crew|sent|lost|real". */
export function paintGlyph(name: string, palette: Palette): Picture {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE * SCALE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return { width: 1, height: 1, data: new Uint8ClampedArray(4) };
  context.scale(SCALE, SCALE);
  context.translate(SIDE / 2, SIDE / 2);
  const [kind, second, state, origin] = name.split("|");
  if (origin === "exercise") paintExercise(context, palette);
  if (kind === "badge") paintBadge(context, second as AssetState, palette);
  else if (kind === "request") paintRequest(context, second ?? "", origin as Origin, palette);
  else if (kind === "crew") paintCrew(context, second ?? "", state === "lost", origin as Origin, palette);
  else if (kind === "dot") paintDot(context, origin as Origin, palette);
  else paintFull(context, second as AssetService, state as AssetState, origin as Origin, palette);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { width: canvas.width, height: canvas.height, data };
}

export const GLYPH_PIXEL_RATIO = SCALE;
