// Distribution, hours of the week and outcomes in time: drawn on canvas, told in words beside it.
import { element } from "../dom";
import { inWords } from "../model/format";
import { binned, bulkOf, humps, ofStep, outcomes, type Histogram, type HourOfWeek } from "../model/link_data";
import { niceBelow } from "../model/judge";
import type { Unit } from "../model/types";
import { readTheme, type Theme } from "../matrix/theme";

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const height = 190;

/** A figure whose canvas is as wide as there is room, drawn anew where that changes. */
export class Picture {
  private readonly canvas_ = element("canvas", { role: "img" });
  private readonly words_ = element("p", { class: "dim words" });
  private paint_: ((c: CanvasRenderingContext2D, width: number, height: number, theme: Theme) => void) | null = null;
  readonly figure: HTMLElement;

  constructor(title: string, note: string, private readonly height_ = height) {
    this.figure = element("figure", { class: "chart" },
      element("figcaption", {}, element("strong", {}, title), note === "" ? "" : element("span", { class: "dim" }, ` ${note}`)),
      element("div", { class: "canvas-room" }, this.canvas_), this.words_);
    this.canvas_.style.height = `${height_}px`;
    this.canvas_.setAttribute("aria-label", title);
    new ResizeObserver(() => this.redraw()).observe(this.figure);
  }

  draw(words: string, paint: (c: CanvasRenderingContext2D, width: number, height: number, theme: Theme) => void): void {
    this.words_.textContent = words;
    this.canvas_.setAttribute("aria-label", words);
    this.paint_ = paint;
    this.redraw();
  }

  redraw(): void {
    const width = this.canvas_.clientWidth;
    if (width === 0 || !this.paint_) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas_.width = Math.round(width * ratio);
    this.canvas_.height = Math.round(this.height_ * ratio);
    const c = this.canvas_.getContext("2d")!;
    c.scale(ratio, ratio);
    const theme = readTheme();
    c.font = `11px ${theme.font}`;
    this.paint_(c, width, this.height_, theme);
  }
}

/** Both directions as steps over one axis; separate humps are separate ways. */
export function drawDistribution(picture: Picture, there: Histogram, back: Histogram, names: readonly [string, string], unit: Unit): void {
  const bulk = bulkOf([there, back]);
  if (!bulk) {
    picture.draw("The window holds no samples.", () => undefined);
    return;
  }
  const beyond = bulk.beyond > 0 ? `; ${bulk.beyond} of ${there.count + back.count} samples lie above` : "";
  picture.draw(`${names[0]}: ${there.count} samples; ${names[1]}: ${back.count}${beyond}.`, (c, width, tall, theme) => {
    const bins = Math.max(20, Math.min(120, Math.floor(width / 6)));
    const [low, high] = [bulk.low, bulk.high + (bulk.high - bulk.low || bulk.high) * 0.02];
    const shares = [there, back].map((one) => binned(one, low, high, bins));
    const most = Math.max(...shares.flat(), 1e-9);
    const floor = tall - 20;
    shares.forEach((share, k) => {
      const colour = k === 0 ? theme.there : theme.back;
      c.beginPath();
      c.moveTo(0, floor);
      share.forEach((part, i) => {
        const y = floor - (part / most) * (floor - 6);
        c.lineTo((i / bins) * width, y);
        c.lineTo(((i + 1) / bins) * width, y);
      });
      c.lineTo(width, floor);
      c.fillStyle = `${colour}30`;
      c.fill();
      c.strokeStyle = colour;
      c.setLineDash(k === 0 ? [] : [5, 3]);
      c.lineWidth = 1.6;
      c.stroke();
      c.setLineDash([]);
    });
    axisBelow(c, width, floor, low, high, unit, theme);
  });
}

/** "2 humps at 10 ms and 24 ms" of each direction that has more than one. */
function humpWords(both: readonly Histogram[], names: readonly [string, string], unit: Unit): string {
  return both.flatMap((one, k) => {
    const peaks = humps(one).map((peak) => inWords(peak, unit));
    return peaks.length < 2 ? [] : [`${names[k as 0 | 1]} has ${peaks.length} humps apart, at ${peaks.slice(0, -1).join(", ")} and ${peaks[peaks.length - 1]!}`];
  }).join("; ");
}

/**
 * Time from left to right, values upwards, darker where more of a moment's samples lie; there above, back below, each
 * on its own scale. Ways that take turns show as bands.
 */
export function drawDensity(picture: Picture, both: readonly [Histogram, Histogram], names: readonly [string, string], unit: Unit): void {
  const bulks = both.map((one) => bulkOf([one]));
  if (bulks.every((bulk) => bulk === null)) {
    picture.draw("The window holds no samples.", () => undefined);
    return;
  }
  const spans = bulks.map((bulk, k) => `${names[k as 0 | 1]} ${k === 0 ? "above" : "below"}: ${bulk ? `${inWords(bulk.low, unit)} to ${inWords(bulk.high, unit)}` : "no samples"}`);
  const humped = humpWords(both, names, unit);
  picture.draw(`${spans.join("; ")}. ${humped === "" ? "No direction has humps apart." : `${humped}: ways that take turns, or queues.`}`,
    (c, width, tall, theme) => {
      const room = (tall - 10) / 2;
      c.textAlign = "left";
      both.forEach((one, k) => {
        const [bulk, top] = [bulks[k], k * (room + 10)];
        if (!bulk) return;
        densityRows(c, one, { top, width, room }, bulk, k === 0 ? theme.there : theme.back);
        c.fillStyle = theme.muted;
        c.textBaseline = "top";
        c.fillText(inWords(bulk.high, unit), 2, top + 1);
        c.textBaseline = "bottom";
        c.fillText(inWords(bulk.low, unit), 2, top + room - 1);
      });
    });
}

interface Strip {
  top: number;
  width: number;
  room: number;
}

function densityRows(c: CanvasRenderingContext2D, one: Histogram, strip: Strip, bulk: { low: number; high: number }, colour: string): void {
  const rows = Math.max(10, Math.min(40, Math.floor(strip.room / 3)));
  const [low, high] = [bulk.low, bulk.high + (bulk.high - bulk.low || bulk.high) * 0.02];
  const [w, h] = [strip.width / Math.max(1, one.steps.length), strip.room / rows];
  c.fillStyle = colour;
  one.steps.forEach((step, i) => {
    binned(ofStep(one, step), low, high, rows).forEach((share, row) => {
      if (share === 0) return;
      // The square root keeps what is rare in sight.
      c.globalAlpha = 0.12 + 0.88 * Math.sqrt(share);
      c.fillRect(i * w, strip.top + strip.room - (row + 1) * h, Math.max(1, w), Math.max(1, h));
    });
  });
  c.globalAlpha = 1;
}

function axisBelow(c: CanvasRenderingContext2D, width: number, y: number, low: number, high: number, unit: Unit, theme: Theme): void {
  c.fillStyle = theme.muted;
  c.strokeStyle = theme.line;
  c.beginPath();
  c.moveTo(0, y + 0.5);
  c.lineTo(width, y + 0.5);
  c.stroke();
  const least = Math.max((high - low) / Math.max(2, width / 90), 1e-9);
  const step = [1, 2, 2.5, 5].map((times) => times * niceBelow(least)).find((size) => size >= least) ?? least;
  c.textBaseline = "top";
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) {
    const x = ((k * step - low) / (high - low)) * width;
    c.fillRect(x, y, 1, 4);
    if (x > width - 24) continue;
    c.textAlign = x < 24 ? "left" : "center";
    c.fillText(inWords(k * step, unit), x, y + 6);
  }
}

/** Seven days by 24 hours (UTC); darker is higher, the number stands in the cell where there is room. */
export function drawWeek(picture: Picture, hours: readonly HourOfWeek[], ratio: boolean, unit: Unit): void {
  const values = hours.map((hour) => (ratio ? hour.mean : hour.p50));
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0) {
    picture.draw("No hour of the week has been measured yet.", () => undefined);
    return;
  }
  const [low, high] = [Math.min(...known), Math.max(...known)];
  picture.draw(`${known.length} of 168 hours measured; ${inWords(low, unit)} (light) to ${inWords(high, unit)} (dark); times are UTC.`,
    (c, width, tall, theme) => {
      const [left, top] = [32, 14];
      const [w, h] = [(width - left) / 24, (tall - top) / 7];
      c.textBaseline = "middle";
      c.fillStyle = theme.muted;
      days.forEach((day, d) => {
        c.textAlign = "left";
        c.fillText(day, 0, top + (d + 0.5) * h);
      });
      for (let hour = 0; hour < 24; hour += 3) c.fillText(String(hour), left + hour * w + 2, 6);
      values.forEach((value, i) => {
        const [x, y] = [left + (i % 24) * w, top + Math.floor(i / 24) * h];
        if (value === null) {
          c.fillStyle = theme.line;
          c.fillRect(x + w / 2 - 1, y + h / 2 - 1, 2, 2);
          return;
        }
        c.globalAlpha = 0.15 + 0.85 * ((value - low) / (high - low || 1));
        c.fillStyle = theme.there;
        c.fillRect(x + 0.5, y + 0.5, w - 1, h - 1);
        c.globalAlpha = 1;
      });
    });
}

/** Stacked counts by outcome; what failed stands on top, in its own pattern of heights so that colour is not alone. */
export function drawOutcomes(picture: Picture, counts: readonly (readonly number[])[], since: string, until: string): void {
  const totals = outcomes.map((_, kind) => counts.reduce((sum, row) => sum + row[kind]!, 0));
  const words = outcomes.map((name, kind) => `${totals[kind]} ${name}`).filter((_, kind) => totals[kind]! > 0).join(", ");
  picture.draw(words === "" ? `No run ended between ${since} and ${until}.` : `${words}; ${since} to ${until}.`, (c, width, tall, theme) => {
    const w = width / counts.length;
    const colours = [theme.bands[0]!, theme.bands[4]!, theme.down, theme.alarm, theme.unsynced, theme.bands[3]!, theme.bands[1]!, theme.line];
    counts.forEach((row, i) => {
      const all = row.reduce((sum, n) => sum + n, 0);
      if (all === 0) return;
      let y = tall;
      row.forEach((n, kind) => {
        const part = (n / all) * tall;
        c.fillStyle = colours[kind]!;
        c.fillRect(i * w, y - part, Math.max(1, w - 0.5), part);
        y -= part;
      });
    });
  });
}
