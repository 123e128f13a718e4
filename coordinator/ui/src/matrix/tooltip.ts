// What is known of the cell under the pointer or the cursor: its facts at once; course, distribution and what is wrong
// a moment later, in room that is kept free for them.
import { element, px } from "../dom";
import { facts } from "../model/describe_cell";
import { inWords } from "../model/format";
import { binned, bulkOf, readFindings, readHistogram, readSeries, type Histogram, type Series } from "../model/link_data";
import { stateTexts } from "../model/states";
import type { Cell, Link } from "../model/types";
import type { View } from "../model/view_state";
import { getOfLink } from "../net/api";
import { readTheme } from "./theme";

const margin = 10;
/** The pointer rests: only then is the coordinator asked. */
const rest_ms = 160;
const kept_ms = 20000;
const most_kept = 60;
const width = 250;
const height = 44;

interface Glance {
  series: Series;
  histogram: Histogram;
  wrong: string;
}

function sized(label: string): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = element("canvas", { role: "img", "aria-label": label });
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = px(width);
  canvas.style.height = px(height);
  const c = canvas.getContext("2d")!;
  c.scale(ratio, ratio);
  return [canvas, c];
}

/** The median over the band from p5 to p95. */
function sparkline(series: Series): HTMLCanvasElement {
  const [canvas, c] = sized("course over the window");
  const theme = readTheme();
  const points = series.points;
  const middle = points.map((point) => point.p50 ?? point.mean);
  const all = points.flatMap((point, i) => [point.p5 ?? middle[i] ?? null, point.p95 ?? middle[i] ?? null]).filter((value) => value !== null);
  if (all.length === 0) return canvas;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const y = (value: number): number => height - 3 - ((value - low) / (high - low || 1)) * (height - 6);
  const x = (i: number): number => ((i + 0.5) / points.length) * width;
  const step = width / points.length;
  points.forEach((point, i) => {
    if (point.p5 === null || point.p95 === null) return;
    c.fillStyle = theme.band;
    c.fillRect(x(i) - step / 2, y(point.p95), step + 0.5, Math.max(1, y(point.p5) - y(point.p95)));
  });
  c.strokeStyle = theme.there;
  c.lineWidth = 1.6;
  c.beginPath();
  let open = false;
  middle.forEach((value, i) => {
    if (value === null) open = false;
    else if (open) c.lineTo(x(i), y(value));
    else {
      c.moveTo(x(i) - 0.8, y(value));
      c.lineTo(x(i), y(value));
      open = true;
    }
  });
  c.stroke();
  return canvas;
}

function distribution(histogram: Histogram): HTMLCanvasElement {
  const [canvas, c] = sized("distribution over the window");
  const theme = readTheme();
  const bulk = bulkOf([histogram]);
  if (!bulk) return canvas;
  const shares = binned(histogram, bulk.low, bulk.high, 50);
  const most = Math.max(...shares, 1e-9);
  c.fillStyle = theme.there;
  shares.forEach((share, i) => {
    const tall = (share / most) * (height - 4);
    c.fillRect(i * (width / 50), height - tall, width / 50 - 1, tall);
  });
  return canvas;
}

export class Tooltip {
  private readonly glances_ = new Map<string, { at_ms: number; glance: Glance }>();
  private timer_ = 0;
  private asked_ = "";
  private readonly course_ = element("div", { class: "course" });
  private readonly facts_ = element("div");

  constructor(private readonly box_: HTMLElement) {
    box_.append(this.facts_, this.course_);
  }

  show(cell: Cell, age: number | null, view: View, judgement: string, links: number, near: DOMRect): void {
    const list = element("dl");
    for (const [name, value] of facts(cell, age, view, judgement)) list.append(element("dt", {}, name), element("dd", {}, value));
    const parts: Node[] = [
      element("strong", {}, `${cell.from} → ${cell.to}`),
      element("span", { class: "what" }, links > 1 ? `${view.metric.label}; the worst of ${links} links` : view.metric.label),
      list,
    ];
    if (cell.state !== "ok") parts.push(element("p", {}, stateTexts[cell.state].meaning));
    this.facts_.replaceChildren(...parts);
    this.box_.hidden = false;
    this.glanceAt(cell, view);
    this.place(near);
  }

  hide(): void {
    window.clearTimeout(this.timer_);
    this.asked_ = "";
    this.box_.hidden = true;
  }

  private glanceAt(link: Link, view: View): void {
    const key = [link.from, link.to, view.metric.name, view.window, view.at].join("\n");
    if (key === this.asked_) return;
    this.asked_ = key;
    window.clearTimeout(this.timer_);
    const known = this.glances_.get(key);
    if (known && Date.now() - known.at_ms < kept_ms) {
      this.drawGlance(known.glance, view);
      return;
    }
    this.course_.replaceChildren(element("p", { class: "what" }, "…"));
    this.timer_ = window.setTimeout(() => void this.ask(key, { from: link.from, to: link.to }, view), rest_ms);
  }

  private async ask(key: string, link: Link, view: View): Promise<void> {
    const query = { metric: view.metric.name, window: view.window, at: view.at };
    try {
      const [series, histogram, findings] = await Promise.all([
        getOfLink(link, "series", query), getOfLink(link, "histogram", query),
        view.at === null ? getOfLink(link, "explain", { window: "15m" }).catch(() => null) : null,
      ]);
      const wrong = readFindings(findings).find((finding) => finding.weight === "bad" || finding.weight === "warning");
      const glance = { series: readSeries(series), histogram: readHistogram(histogram), wrong: wrong?.text ?? "" };
      if (this.glances_.size > most_kept) this.glances_.clear();
      this.glances_.set(key, { at_ms: Date.now(), glance });
      if (this.asked_ === key) this.drawGlance(glance, view);
    } catch {
      if (this.asked_ === key) this.course_.replaceChildren(element("p", { class: "what" }, "The course cannot be had now."));
    }
  }

  private drawGlance(glance: Glance, view: View): void {
    const unit = view.metric.unit;
    const bulk = bulkOf([glance.histogram]);
    if (glance.histogram.count === 0 || !bulk) {
      this.course_.replaceChildren(element("p", { class: "what" }, "The window holds no samples."));
    } else {
      const beyond = bulk.beyond > 0 ? `, ${bulk.beyond} above` : "";
      this.course_.replaceChildren(
        element("p", { class: "what" }, `course over ${view.window}: median, p5 to p95`), sparkline(glance.series),
        element("p", { class: "what" }, `${inWords(bulk.low, unit)} to ${inWords(bulk.high, unit)}${beyond}`), distribution(glance.histogram));
    }
    if (glance.wrong !== "") this.course_.append(element("p", { class: "wrong" }, glance.wrong));
  }

  private place(near: DOMRect): void {
    const { offsetWidth, offsetHeight } = this.box_;
    const right = near.right + margin + offsetWidth < window.innerWidth;
    const x = right ? near.right + margin : Math.max(margin, near.left - margin - offsetWidth);
    const y = Math.min(Math.max(margin, near.top), Math.max(margin, window.innerHeight - offsetHeight - margin));
    this.box_.style.left = px(x);
    this.box_.style.top = px(y);
  }
}
