// Courses over time with uPlot: colours from the style sheet, one axis for both directions, gaps where nothing is known.
import uPlot from "uplot";
import { element } from "../dom";
import { inWords } from "../model/format";
import type { Series } from "../model/link_data";
import type { Unit } from "../model/types";
import { readTheme, type Theme } from "../matrix/theme";

export type Line = (number | null)[];

export interface Curve {
  label: string;
  colour: string;
  line: Line;
  /** p5 and p95: drawn as a band around the line. */
  band?: readonly [low: Line, high: Line];
  /** Single points where results are rare. */
  points?: boolean;
}

/** A stretch of time that is marked behind the curves. */
export interface Stretch {
  from_ms: number;
  to_ms: number;
}

export interface Course {
  /** Seconds since 1970. */
  x: number[];
  unit: Unit;
  curves: readonly Curve[];
  stretches: readonly Stretch[];
  /** The axis begins at zero. */
  zero: boolean;
}

const height = 190;

/** Puts two courses on one axis: points of equal instants stand together. */
export function joined(series: readonly Series[]): { x: number[]; at: Map<number, number>[] } {
  const instants = new Set(series.flatMap((one) => one.points.map((point) => point.at_ms)));
  const sorted = [...instants].sort((a, b) => a - b);
  return {
    x: sorted.map((at_ms) => at_ms / 1000),
    at: series.map((one) => new Map(one.points.map((point, i) => [point.at_ms, i]))),
  };
}

export function pick(series: Series, x: readonly number[], at: ReadonlyMap<number, number>, key: "p5" | "p50" | "p95" | "mean"): Line {
  return x.map((second) => {
    const i = at.get(second * 1000);
    return i === undefined ? null : series.points[i]![key];
  });
}

function axes(theme: Theme, unit: Unit): uPlot.Axis[] {
  const common = {
    stroke: theme.muted, font: `11px ${theme.font}`, grid: { stroke: theme.hair, width: 1 }, ticks: { stroke: theme.hair, width: 1, size: 4 },
  };
  return [{ ...common, space: 70, values: timeWords }, { ...common, size: 66, values: (_u: uPlot, splits: number[]) => splits.map((value) => inWords(value, unit)) }];
}

function timeWords(_u: uPlot, splits: number[]): string[] {
  let day = "";
  return splits.map((second) => {
    const at = new Date(second * 1000);
    const date = at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", hour12: false });
    const shown = date === day ? time : `${time}\n${date}`;
    day = date;
    return shown;
  });
}

function marks(theme: Theme, stretches: readonly Stretch[]): (u: uPlot) => void {
  return (u) => {
    u.ctx.save();
    u.ctx.fillStyle = theme.incident;
    for (const stretch of stretches) {
      const [left, right] = [u.valToPos(stretch.from_ms / 1000, "x", true), u.valToPos(stretch.to_ms / 1000, "x", true)];
      const [a, b] = [Math.max(u.bbox.left, left), Math.min(u.bbox.left + u.bbox.width, right)];
      if (b <= a) continue;
      u.ctx.globalAlpha = 0.14;
      u.ctx.fillRect(a, u.bbox.top, b - a, u.bbox.height);
      u.ctx.globalAlpha = 1;
      u.ctx.fillRect(a, u.bbox.top, Math.max(2, b - a), 3 * devicePixelRatio);
    }
    u.ctx.restore();
  };
}

interface Parts {
  data: uPlot.AlignedData;
  series: uPlot.Series[];
  bands: uPlot.Band[];
}

function partsOf(course: Course): Parts {
  const value = (_u: uPlot, raw: number | null): string => inWords(raw, course.unit);
  const data: (number[] | Line)[] = [course.x];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const curve of course.curves) {
    if (curve.band) {
      const first = data.length;
      data.push(curve.band[1], curve.band[0]);
      const edge = { class: "edge", stroke: "transparent", width: 0, points: { show: false }, value };
      series.push({ ...edge, label: `${curve.label} p95` }, { ...edge, label: `${curve.label} p5` });
      bands.push({ series: [first, first + 1], fill: `${curve.colour}38` });
    }
    data.push(curve.line);
    series.push({
      label: curve.label, stroke: curve.colour, width: curve.points ? 1 : 1.8, value, spanGaps: curve.points === true,
      points: { show: curve.points === true || isSparse(curve.line), size: curve.points ? 7 : 5, fill: curve.colour },
    });
  }
  return { data: data as uPlot.AlignedData, series, bands };
}

const sparse = 12;

/** A line through few points would not be seen. */
function isSparse(line: Line): boolean {
  return line.filter((value) => value !== null).length <= sparse;
}

/** A chart that fills its host; draw() again with new data, theme or width. */
export class Chart {
  private plot_: uPlot | null = null;
  private course_: Course | null = null;
  private readonly room_ = element("div", { class: "plot" });
  private readonly nothing_ = element("p", { class: "dim nothing" });
  private width_ = 0;
  readonly figure: HTMLElement;

  constructor(title: string, note: string) {
    this.figure = element("figure", { class: "chart" },
      element("figcaption", {}, element("strong", {}, title), note === "" ? "" : element("span", { class: "dim" }, ` ${note}`)), this.room_);
    this.room_.append(this.nothing_);
    new ResizeObserver(() => this.fit()).observe(this.room_);
  }

  draw(course: Course, nothing: string): void {
    this.course_ = course;
    const empty = course.curves.every((curve) => curve.line.every((value) => value === null));
    this.plot_?.destroy();
    this.plot_ = null;
    this.nothing_.textContent = empty ? nothing : "";
    this.figure.dataset.empty = String(empty);
    this.width_ = this.room_.clientWidth;
    if (empty || this.width_ === 0) return;
    const theme = readTheme();
    const { data, series, bands } = partsOf(course);
    this.plot_ = new uPlot({
      width: this.width_, height, series, bands, axes: axes(theme, course.unit),
      scales: { x: { time: true }, y: { range: (_u, low, high) => rangeOf(low, high, course) } },
      legend: { show: true, live: true }, cursor: { y: false, drag: { x: false, y: false } },
      hooks: { drawClear: [marks(theme, course.stretches)] },
    }, data, this.room_);
  }

  private fit(): void {
    const width = this.room_.clientWidth;
    if (width === this.width_ || !this.course_) return;
    if (this.plot_ && width > 0) this.plot_.setSize({ width, height });
    else this.draw(this.course_, this.nothing_.textContent ?? "");
    this.width_ = width;
  }
}

function rangeOf(low: number | null, high: number | null, course: Course): [number, number] {
  if (low === null || high === null) return [0, 1];
  if (low === 0 && high === 0) return [0, course.unit === "ratio" ? 0.01 : 1];
  const least = course.zero ? Math.min(0, low) : low;
  const room = (high - least) * 0.08 || Math.abs(high) * 0.1;
  return [course.zero && low >= 0 ? 0 : least - room, high + room];
}
