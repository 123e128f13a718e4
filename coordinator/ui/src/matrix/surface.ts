// The canvas over the part of the matrix that is in sight. Scrolling moves the picture and paints only what comes into
// sight; a change paints only its cell; cells without numbers are stamped from pictures made once.
import { paintCell, paintSplit, smallKey, width_of_numbers, type Box, type Look, type PaintContext } from "./cell_paint";
import type { Layout } from "../model/matrix_layout";
import type { Scene } from "./scene";
import type { Theme } from "./theme";

interface Sight {
  left: number;
  top: number;
  width: number;
  height: number;
}

const most_stamps = 400;

export class Surface {
  readonly canvas = document.createElement("canvas");
  private readonly c_ = this.canvas.getContext("2d", { alpha: true })!;
  private readonly stamps_ = new Map<string, HTMLCanvasElement>();
  private stampsFor_ = "";
  private ratio_ = 1;
  /** What the picture shows now, in whole device pixels; null: nothing. */
  private shown_: { left: number; top: number } | null = null;
  /** How many cells the last frame painted, for the benchmark. */
  painted = 0;

  constructor(private readonly scene_: Scene) {}

  resize(width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (w === this.canvas.width && h === this.canvas.height && ratio === this.ratio_) return;
    this.ratio_ = ratio;
    this.canvas.width = w;
    this.canvas.height = h;
    this.canvas.style.width = `${w / ratio}px`;
    this.canvas.style.height = `${h / ratio}px`;
    this.shown_ = null;
  }

  /** Everything in sight is out of date. */
  forget(): void {
    this.shown_ = null;
  }

  /** `changed`: cells of the grid that are out of date. */
  paint(theme: Theme, layout: Layout, left: number, top: number, changed: ReadonlySet<number>): void {
    const to = { left: Math.round(left * this.ratio_), top: Math.round(top * this.ratio_) };
    const { width, height } = this.canvas;
    const [dx, dy] = this.shown_ ? [to.left - this.shown_.left, to.top - this.shown_.top] : [width, height];
    this.painted = 0;
    const p = { c: this.c_, theme };
    const sight = (x: number, y: number, w: number, h: number): Sight =>
      ({ left: (to.left + x) / this.ratio_, top: (to.top + y) / this.ratio_, width: w / this.ratio_, height: h / this.ratio_ });
    const whole = this.shown_ === null || Math.abs(dx) >= width || Math.abs(dy) >= height;
    this.shown_ = to;
    if (whole) {
      this.paintPart(p, layout, to, sight(0, 0, width, height));
      return;
    }
    if (dx !== 0 || dy !== 0) this.shift(dx, dy);
    if (dy !== 0) this.paintPart(p, layout, to, sight(0, dy > 0 ? height - dy : 0, width, Math.abs(dy)));
    if (dx !== 0) this.paintPart(p, layout, to, sight(dx > 0 ? width - dx : 0, 0, Math.abs(dx), height));
    this.paintChanged(p, layout, to, sight(0, 0, width, height), changed);
  }

  private shift(dx: number, dy: number): void {
    const { c_: c, canvas } = this;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.globalCompositeOperation = "copy";
    c.drawImage(canvas, -dx, -dy);
    c.globalCompositeOperation = "source-over";
  }

  private enter(at: { left: number; top: number }): void {
    this.c_.setTransform(this.ratio_, 0, 0, this.ratio_, -at.left, -at.top);
  }

  private boxOf(layout: Layout, row: number, column: number): Box {
    const { cellWidth, cellHeight, gap } = layout;
    const before = gap / 2 + (this.scene_.isEdge(this.scene_.columns, column) ? gap : 0);
    const above = gap / 2 + (this.scene_.isEdge(this.scene_.rows, row) ? gap : 0);
    return {
      x: column * cellWidth + before, y: row * cellHeight + above,
      w: cellWidth - gap / 2 - before, h: cellHeight - gap / 2 - above,
    };
  }

  private paintPart(p: PaintContext, layout: Layout, at: { left: number; top: number }, part: Sight): void {
    const { c } = p;
    this.enter(at);
    c.save();
    c.beginPath();
    c.rect(part.left, part.top, part.width, part.height);
    c.clip();
    c.clearRect(part.left, part.top, part.width, part.height);
    const { rows, columns } = this.scene_;
    const now = Date.now();
    const lastRow = Math.min(rows.length - 1, Math.floor((part.top + part.height) / layout.cellHeight));
    const lastColumn = Math.min(columns.length - 1, Math.floor((part.left + part.width) / layout.cellWidth));
    for (let row = Math.max(0, Math.floor(part.top / layout.cellHeight)); row <= lastRow; row += 1)
      for (let column = Math.max(0, Math.floor(part.left / layout.cellWidth)); column <= lastColumn; column += 1)
        this.paintPlace(p, layout, row, column, now);
    c.restore();
  }

  private paintChanged(p: PaintContext, layout: Layout, at: { left: number; top: number }, sight: Sight, changed: ReadonlySet<number>): void {
    if (changed.size === 0) return;
    this.enter(at);
    const { cellWidth: w, cellHeight: h } = layout;
    const now = Date.now();
    const done = new Set<number>();
    for (const i of changed) {
      const place = this.scene_.placeOf(i);
      if (!place) continue;
      const [x, y] = [place.column * w, place.row * h];
      if (x + w < sight.left || y + h < sight.top || x > sight.left + sight.width || y > sight.top + sight.height) continue;
      const key = place.row * this.scene_.columns.length + place.column;
      if (done.has(key)) continue;
      done.add(key);
      p.c.clearRect(x, y, w, h);
      this.paintPlace(p, layout, place.row, place.column, now);
    }
  }

  private paintPlace(p: PaintContext, layout: Layout, row: number, column: number, now_ms: number): void {
    this.painted += 1;
    const box = this.boxOf(layout, row, column);
    const i = this.scene_.cellAt(row, column);
    if (i < 0) {
      this.paintEmpty(p, box);
      return;
    }
    const look = this.scene_.look(i, now_ms);
    if (this.scene_.layer === "split") {
      const back = this.scene_.turned(i);
      paintSplit(p, look, back < 0 ? null : this.scene_.look(back, now_ms), box);
    } else if (box.w >= width_of_numbers) {
      paintCell(p, look, box);
    } else {
      p.c.drawImage(this.stamp(p.theme, look, box), box.x, box.y, box.w, box.h);
    }
  }

  private paintEmpty(p: PaintContext, box: Box): void {
    const r = Math.max(0.6, Math.min(3, box.h * 0.06));
    p.c.fillStyle = p.theme.line;
    p.c.beginPath();
    p.c.arc(box.x + box.w / 2, box.y + box.h / 2, r, 0, 2 * Math.PI);
    p.c.fill();
  }

  private stamp(theme: Theme, look: Look, box: Box): HTMLCanvasElement {
    const base = `${this.ratio_} ${theme.page} ${theme.surface}`;
    if (base !== this.stampsFor_ || this.stamps_.size > most_stamps) {
      this.stamps_.clear();
      this.stampsFor_ = base;
    }
    const key = `${box.w} ${box.h} ${smallKey(look)}`;
    let stamp = this.stamps_.get(key);
    if (!stamp) {
      stamp = document.createElement("canvas");
      stamp.width = Math.max(1, Math.round(box.w * this.ratio_));
      stamp.height = Math.max(1, Math.round(box.h * this.ratio_));
      const c = stamp.getContext("2d")!;
      c.scale(this.ratio_, this.ratio_);
      paintCell({ c, theme }, look, { x: 0, y: 0, w: box.w, h: box.h });
      this.stamps_.set(key, stamp);
    }
    return stamp;
  }
}
