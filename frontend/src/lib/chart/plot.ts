import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import type { History, Priority } from "../api/types";
import { grouped, isShare, short, symbol } from "../units";
import type { Span } from "./range";

export interface Line {
  attribute: string;
  name: string;
  unit: string | null;
  colour: string;
  normal: [number, number] | null;
}

export interface Mark {
  priority: Priority;
  from: number;
  to: number | null;
}

export interface Hover {
  left: number;
  top: number;
  time: number;
  values: { line: Line; value: number; low: number | null; high: number | null }[];
}

export interface PlotOptions {
  container: HTMLElement;
  width: number;
  height: number;
  zone: string;
  span: Span;
  history: History;
  lines: Line[];
  marks: Mark[];
  normalWord: string;
  onZoom: (span: Span) => void;
  onReset: () => void;
  onHover: (hover: Hover | null) => void;
}

type Column = (number | null)[];

const token = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const scaleOf = (line: Line) => symbol(line.unit, line.attribute) || "number";

function tables(history: History, lines: Line[]): { data: uPlot.AlignedData; aggregated: boolean[] } {
  const parts: uPlot.AlignedData[] = [];
  const aggregated: boolean[] = [];
  for (const line of lines) {
    const series = history.series.find((candidate) => candidate.attribute === line.attribute);
    const times = series?.times ?? [];
    const factor = isShare(line.attribute, line.unit) ? 100 : 1;
    const scaled = (column: Column | null | undefined) =>
      (column ?? times.map(() => null)).map((value) => (value === null ? null : value * factor));
    aggregated.push(!!series?.minimum && !!series.maximum);
    parts.push([
      times,
      scaled(series?.values),
      scaled(series?.maximum),
      scaled(series?.minimum),
    ] as unknown as uPlot.AlignedData);
  }
  if (parts.length === 0) return { data: [[]], aggregated };
  // 1 = keep a null of the source as a gap; times that only another series has become undefined, no gap.
  return {
    data: uPlot.join(
      parts,
      parts.map((part) => part.map(() => 1 as const)),
    ),
    aggregated,
  };
}

export interface Seen {
  history: History;
  span: Span;
  marks: Mark[];
}

export interface Plot {
  /** Show newer readings in place, so that a drag or a hover goes on; false when it must be drawn anew. */
  update: (seen: Seen) => boolean;
  destroy: () => void;
}

/** Draw a chart into a container. */
export function drawPlot(options: PlotOptions): Plot {
  const { lines } = options;
  let { span, marks } = options;
  const first = tables(options.history, lines);
  let data = first.data;
  const aggregated = first.aggregated;
  const scales = [...new Set(lines.map(scaleOf))];
  const ink = token("ink-2");
  const grid = { stroke: token("line"), width: 1 };
  const ticks = { show: false };
  const font = `12px ${token("font") || "sans-serif"}`;
  const direct = lines.length <= 3 && scales.length === 1 && options.width > 640;

  const plot = new uPlot(
    {
      width: options.width,
      height: options.height,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), options.zone),
      padding: [14, direct ? 128 : 12, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 6 },
        points: { size: 7 },
        bind: {
          dblclick: () => () => (options.onReset(), null),
        },
      },
      scales: {
        x: { time: true, range: () => [span.from / 1000, span.to / 1000] },
        ...Object.fromEntries(
          scales.map((name) => [name, { range: rangeWith(lines.filter((line) => scaleOf(line) === name)) }]),
        ),
      },
      axes: [
        { stroke: ink, grid, ticks, font, space: 70, values: timeLabels(options.zone) },
        ...scales.slice(0, 2).map((scale, place): uPlot.Axis => ({
          scale,
          side: place === 0 ? 3 : 1,
          stroke: ink,
          grid: place === 0 ? grid : { show: false },
          ticks,
          font,
          size: 58,
          values: (_plot, splits) => splits.map((value) => axisNumber(value, splits)),
          label: scale === "number" ? undefined : scale,
          labelSize: scale === "number" ? 0 : 18,
          labelFont: font,
        })),
      ],
      series: [
        {},
        ...lines.flatMap((line): uPlot.Series[] => [
          {
            scale: scaleOf(line),
            stroke: line.colour,
            width: 1.5,
            spanGaps: false,
            points: { show: () => sparse(data), size: 4 },
          },
          { scale: scaleOf(line), stroke: "transparent", width: 0, points: { show: false } },
          { scale: scaleOf(line), stroke: "transparent", width: 0, points: { show: false } },
        ]),
      ],
      bands: lines.flatMap((line, place) =>
        aggregated[place]
          ? [
              {
                series: [place * 3 + 2, place * 3 + 3] as [number, number],
                fill: `color-mix(in srgb, ${line.colour} 13%, transparent)`,
              },
            ]
          : [],
      ),
      hooks: {
        drawClear: [(chart) => drawNormal(chart, lines)],
        // Over the lines of the grid, which would strike the word through, and under the values.
        drawAxes: [(chart) => nameNormal(chart, lines, options.normalWord, font)],
        draw: [(chart) => drawMarks(chart, marks), (chart) => direct && drawNames(chart, lines, font)],
        setSelect: [
          (chart) => {
            if (chart.select.width < 6) return;
            const from = chart.posToVal(chart.select.left, "x") * 1000;
            const to = chart.posToVal(chart.select.left + chart.select.width, "x") * 1000;
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            options.onZoom({ from, to });
          },
        ],
        setCursor: [(chart) => options.onHover(hovered(chart, lines, data))],
      },
    },
    data,
    options.container,
  );
  return {
    update: (seen) => {
      const next = tables(seen.history, lines);
      if (next.aggregated.some((flag, place) => flag !== aggregated[place])) return false;
      ({ span, marks } = seen);
      data = next.data;
      plot.setData(data);
      return true;
    },
    destroy: () => plot.destroy(),
  };
}

/** Dots only where single readings can be told apart. */
function sparse(data: uPlot.AlignedData): boolean {
  return data[0].length > 0 && data[0].length < 60;
}

function rangeWith(lines: Line[]): uPlot.Range.Function {
  return (_plot, low, high) => {
    const least = low ?? 0;
    const most = high ?? 1;
    const pad = (most - least || Math.abs(most) * 0.1 || 1) * 0.08;
    let [from, to] = [least - pad, most + pad];
    // Keep the edge of the normal band in sight when the line is near it.
    const normal = lines.length === 1 ? lines[0]?.normal : null;
    if (normal) {
      const reach = (to - from) * 0.6;
      if (normal[0] < from && from - normal[0] < reach) from = normal[0] - pad;
      if (normal[1] > to && normal[1] - to < reach) to = normal[1] + pad;
    }
    if (least >= 0 && from < 0) from = 0;
    return [from, to];
  };
}

function axisNumber(value: number, splits: number[]): string {
  const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
  const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
  return decimals ? grouped(value.toFixed(decimals)) : short(value);
}

/** Times of the axis without English month names: 14:30, 22.11., 11.2026. */
function timeLabels(zone: string): uPlot.Axis.Values {
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const date = format({ day: "numeric", month: "numeric", year: "numeric" });
  const dateParts = (ms: number) =>
    Object.fromEntries(
      date.formatToParts(ms).map((part) => [part.type, String(Number(part.value))]),
    ) as Record<string, string>;
  return (_plot, splits) => {
    const step = (splits[1] ?? 0) - (splits[0] ?? 0);
    let lastDay = "";
    return splits.map((time) => {
      const ms = time * 1000;
      const { day, month, year } = dateParts(ms);
      const dayText = step >= 27 * 86_400 ? `${month}.${year}` : `${day}.${month}.`;
      if (step >= 86_400 || step <= 0) return dayText;
      const text = step < 60 ? seconds.format(ms) : clock.format(ms);
      const newDay = dayText !== lastDay;
      lastDay = dayText;
      return newDay ? `${text}\n${dayText}${splits[0] === time ? year : ""}` : text;
    });
  };
}

/** The band where a value is normal; only for a line alone, since with several nobody could tell whose it is. */
function drawNormal(chart: uPlot, lines: Line[]): void {
  const edges = edgesOfNormal(chart, lines);
  if (!edges) return;
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = token("band");
  ctx.fillRect(bbox.left, edges.top, bbox.width, edges.bottom - edges.top);
  ctx.restore();
}

function nameNormal(chart: uPlot, lines: Line[], word: string, font: string): void {
  const edges = edgesOfNormal(chart, lines);
  if (!edges || edges.bottom - edges.top <= 22 * uPlot.pxRatio) return;
  const { ctx, bbox } = chart;
  const [x, y] = [bbox.left + 8 * uPlot.pxRatio, edges.top + 5 * uPlot.pxRatio];
  ctx.save();
  ctx.font = inPixels(font);
  ctx.textBaseline = "top";
  ctx.textAlign = "left"; // the axes leave theirs
  ctx.lineWidth = 4 * uPlot.pxRatio;
  ctx.lineJoin = "round";
  ctx.strokeStyle = token("surface");
  ctx.strokeText(word, x, y);
  ctx.fillStyle = token("ink-3");
  ctx.fillText(word, x, y);
  ctx.restore();
}

/** From where to where the band goes on the canvas; null where there is none to be seen. */
function edgesOfNormal(chart: uPlot, lines: Line[]): { top: number; bottom: number } | null {
  const line = lines[0];
  if (!line?.normal || lines.length !== 1) return null;
  const { bbox } = chart;
  const factor = isShare(line.attribute, line.unit) ? 100 : 1;
  const clamp = (y: number) => Math.min(bbox.top + bbox.height, Math.max(bbox.top, y));
  const top = clamp(chart.valToPos(line.normal[1] * factor, scaleOf(line), true));
  const bottom = clamp(chart.valToPos(line.normal[0] * factor, scaleOf(line), true));
  return bottom > top ? { top, bottom } : null;
}

const inPixels = (font: string) =>
  font.replace(/^(\d+)px/, (_whole, size: string) => `${Number(size) * uPlot.pxRatio}px`);

function drawMarks(chart: uPlot, marks: Mark[]): void {
  const { ctx, bbox } = chart;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const mark of marks) {
    const colour = token(mark.priority);
    const x = chart.valToPos(mark.from / 1000, "x", true);
    const end = mark.to === null ? bbox.left + bbox.width : chart.valToPos(mark.to / 1000, "x", true);
    const base = bbox.top + bbox.height;
    ctx.globalAlpha = 0.55;
    ctx.fillStyle = ctx.strokeStyle = colour;
    ctx.fillRect(x, base - 3 * ratio, Math.max(2 * ratio, end - x), 3 * ratio);
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, base);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.setLineDash([]);
    drawShape(ctx, mark.priority, x, base - 11 * ratio, 5 * ratio);
  }
  ctx.restore();
}

function drawShape(ctx: CanvasRenderingContext2D, priority: Priority, x: number, y: number, r: number): void {
  ctx.beginPath();
  if (priority === "critical") {
    ctx.moveTo(x, y - r * 1.2);
    ctx.lineTo(x + r * 1.2, y);
    ctx.lineTo(x, y + r * 1.2);
    ctx.lineTo(x - r * 1.2, y);
  } else if (priority === "high") {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r * 1.1, y + r);
    ctx.lineTo(x - r * 1.1, y + r);
  } else if (priority === "medium") ctx.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else ctx.arc(x, y, r, 0, Math.PI * 2);
  ctx.fill();
}

/** Names at the ends of the lines, pushed apart, instead of a legend far away. */
function drawNames(chart: uPlot, lines: Line[], font: string): void {
  const { ctx, bbox } = chart;
  const ratio = uPlot.pxRatio;
  const labels = lines
    .map((line, place) => {
      const column = chart.data[place * 3 + 1] ?? [];
      const last = [...column].reverse().find((value) => typeof value === "number");
      return typeof last === "number" ? { line, y: chart.valToPos(last, scaleOf(line), true) } : null;
    })
    .filter((label) => label !== null)
    .sort((a, b) => a.y - b.y);
  ctx.save();
  ctx.font = inPixels(font);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  let free = bbox.top;
  for (const { line, y } of labels) {
    const at = Math.max(free + 7 * ratio, Math.min(y, bbox.top + bbox.height - 8 * ratio));
    free = at + 8 * ratio;
    ctx.fillStyle = line.colour;
    ctx.fillText(shortened(ctx, line.name, 118 * ratio), bbox.left + bbox.width + 8 * ratio, at);
  }
  ctx.restore();
}

function shortened(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  let cut = text;
  while (cut.length > 1 && ctx.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}

function hovered(chart: uPlot, lines: Line[], data: uPlot.AlignedData): Hover | null {
  const { idx, left, top } = chart.cursor;
  if (idx === null || idx === undefined || left === undefined || left < 0) return null;
  const time = data[0][idx];
  if (time === undefined) return null;
  const at = (column: number) => data[column]?.[idx] ?? null;
  const values = lines.flatMap((line, place) => {
    const value = at(place * 3 + 1);
    return value === null ? [] : [{ line, value, low: at(place * 3 + 3), high: at(place * 3 + 2) }];
  });
  const box = chart.over;
  return values.length
    ? { left: left + box.offsetLeft, top: (top ?? 0) + box.offsetTop, time, values }
    : null;
}
