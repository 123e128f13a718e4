// The matrix: site names as text around a canvas of cells; pointing, clicking and walking with the keys.
import { element, px } from "./dom";
import { layoutFor, type Layout } from "./matrix_layout";
import { paintCell, type PaintContext } from "./cell_paint";
import type { Model } from "./model";
import { readTheme, type Theme } from "./theme";
import type { Link } from "./types";
import type { View } from "./view_state";
import { walk, type Place } from "./walk";

interface MatrixEvents {
  /** A cell is pointed at or reached with the keys; null: none any more. */
  onPoint(link: Link | null, at: DOMRect, byKey: boolean): void;
  onOpen(link: Link): void;
  onScroll(): void;
}

export class MatrixView {
  private readonly columnHeads_ = element("div", { class: "column-heads", "aria-hidden": "true" });
  private readonly rowHeads_ = element("div", { class: "row-heads", "aria-hidden": "true" });
  private readonly canvas_ = element("canvas", { "aria-hidden": "true" });
  private readonly cursor_ = element("div", { class: "cursor", hidden: "" });
  private readonly plane_ = element("div", {
    class: "plane", tabindex: "0", role: "application", "aria-roledescription": "matrix",
    "aria-label": "Matrix of links: arrow keys move, Enter opens a link",
  }, this.canvas_, this.cursor_);
  private readonly grid_ = element("div", { class: "grid" },
    element("div", { class: "corner", "aria-hidden": "true" }, element("span", {}, "to →"), element("span", {}, "from ↓")),
    this.columnHeads_, this.rowHeads_, this.plane_);
  private theme_: Theme = readTheme();
  private layout_: Layout = layoutFor(600, 1, 60);
  private names_ = "";
  private place_: Place | null = null;
  private frame_ = 0;

  constructor(private readonly host_: HTMLElement, private readonly model_: Model, private view_: View,
              private readonly events_: MatrixEvents) {
    host_.append(this.grid_);
    new ResizeObserver(() => this.arrange()).observe(host_);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.theme_ = readTheme();
      this.redraw();
    });
    host_.addEventListener("scroll", () => events_.onScroll(), { passive: true });
    this.plane_.addEventListener("pointermove", (event) => this.onPointer(event));
    this.plane_.addEventListener("pointerleave", () => this.point(null, false));
    this.plane_.addEventListener("click", (event) => this.onClick(event));
    this.plane_.addEventListener("keydown", (event) => this.onKey(event));
    this.plane_.addEventListener("focus", () => this.onFocus());
    this.plane_.addEventListener("blur", () => this.point(null, false));
  }

  update(view: View): void {
    this.view_ = view;
    const names = this.model_.rows.join("\n") + "\n\n" + this.model_.columns.join("\n");
    if (names !== this.names_) {
      this.names_ = names;
      this.place_ = null;
      this.arrange();
    }
    this.markHeads();
    this.redraw();
  }

  /** Once a second: ages grow while nothing new arrives. */
  tick(): void {
    if (this.layout_.ages) this.redraw();
  }

  focus(): void {
    this.plane_.focus({ preventScroll: true });
  }

  /** Rows and columns that are in sight, for the table that screen readers get. */
  visible(): { rows: string[]; columns: string[] } {
    const { cellWidth, cellHeight, rowHead, columnHead } = this.layout_;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.host_;
    const span = (start: number, length: number, size: number, names: string[]): string[] =>
      names.slice(Math.floor(start / size), Math.ceil((start + length) / size));
    return {
      rows: span(scrollTop, clientHeight - columnHead, cellHeight, this.model_.rows),
      columns: span(scrollLeft, clientWidth - rowHead, cellWidth, this.model_.columns),
    };
  }

  private arrange(): void {
    const { columns, rows } = this.model_;
    const layout = layoutFor(this.host_.clientWidth - 1, columns.length, this.longestName());
    this.layout_ = layout;
    const style = this.grid_.style;
    style.setProperty("--cell-width", px(layout.cellWidth));
    style.setProperty("--cell-height", px(layout.cellHeight));
    style.setProperty("--row-head", px(layout.rowHead));
    style.setProperty("--column-head", px(layout.columnHead));
    this.grid_.classList.toggle("upright", layout.upright);
    this.grid_.classList.toggle("dense", layout.cellWidth < 50);
    this.columnHeads_.replaceChildren(...columns.map((name) => this.head(name)));
    this.rowHeads_.replaceChildren(...rows.map((name) => this.head(name)));
    this.plane_.style.width = px(columns.length * layout.cellWidth);
    this.plane_.style.height = px(rows.length * layout.cellHeight);
    this.markHeads();
    this.showCursor();
    this.redraw();
  }

  private head(name: string): HTMLElement {
    return element("div", { class: "site", title: name },
      element("span", { class: "mark" }), element("span", { class: "name" }, name));
  }

  private longestName(): number {
    const c = this.canvas_.getContext("2d")!;
    c.font = `500 13px ${this.theme_.font}`;
    return Math.max(0, ...this.model_.columns.map((name) => c.measureText(name).width));
  }

  private markHeads(): void {
    const mark = (heads: HTMLElement, names: string[], index: number | undefined): void => {
      [...heads.children].forEach((head, i) => {
        const health = this.model_.health(names[i] ?? "")?.health ?? "ok";
        if (head.getAttribute("data-health") !== health) head.setAttribute("data-health", health);
        head.classList.toggle("pointed", i === index);
      });
    };
    mark(this.columnHeads_, this.model_.columns, this.place_?.column);
    mark(this.rowHeads_, this.model_.rows, this.place_?.row);
  }

  private redraw(): void {
    if (this.frame_ === 0) this.frame_ = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame_ = 0;
    const { rows, columns } = this.model_;
    const { cellWidth, cellHeight, gap } = this.layout_;
    const width = columns.length * cellWidth;
    const height = rows.length * cellHeight;
    const c = this.sizedContext(width, height);
    const paint: PaintContext = { c, theme: this.theme_, metric: this.view_.metric, stat: this.view_.stat };
    const now = Date.now();
    rows.forEach((from, row) => columns.forEach((to, column) => {
      const box = { x: column * cellWidth + gap / 2, y: row * cellHeight + gap / 2, w: cellWidth - gap, h: cellHeight - gap };
      const cell = this.model_.cell(from, to);
      if (cell) paintCell(paint, cell, box, this.model_.age(from, to, now));
      else this.paintEmpty(c, box);
    }));
  }

  private sizedContext(width: number, height: number): CanvasRenderingContext2D {
    const ratio = Math.min(window.devicePixelRatio || 1, 16000 / Math.max(width, height, 1));
    this.canvas_.width = Math.max(1, Math.round(width * ratio));
    this.canvas_.height = Math.max(1, Math.round(height * ratio));
    const c = this.canvas_.getContext("2d")!;
    c.scale(ratio, ratio);
    return c;
  }

  private paintEmpty(c: CanvasRenderingContext2D, box: { x: number; y: number; w: number; h: number }): void {
    c.fillStyle = this.theme_.line;
    const r = Math.max(1, Math.min(3, box.h * 0.06));
    c.beginPath();
    c.arc(box.x + box.w / 2, box.y + box.h / 2, r, 0, 2 * Math.PI);
    c.fill();
  }

  private linkAt(place: Place | null): Link | null {
    const from = place && this.model_.rows[place.row];
    const to = place && this.model_.columns[place.column];
    return from && to && this.model_.cell(from, to) ? { from, to } : null;
  }

  private placeOf(event: MouseEvent): Place {
    const box = this.plane_.getBoundingClientRect();
    return {
      row: Math.floor((event.clientY - box.top) / this.layout_.cellHeight),
      column: Math.floor((event.clientX - box.left) / this.layout_.cellWidth),
    };
  }

  private onPointer(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    const place = this.placeOf(event);
    if (place.row !== this.place_?.row || place.column !== this.place_.column) this.point(place, false);
  }

  private onClick(event: MouseEvent): void {
    const link = this.linkAt(this.placeOf(event));
    if (link) this.events_.onOpen(link);
  }

  private onFocus(): void {
    if (!this.place_ && this.plane_.matches(":focus-visible")) this.point(this.firstPlace(), true);
  }

  private firstPlace(): Place {
    return { row: 0, column: this.model_.columns.findIndex((name) => name !== this.model_.rows[0]) };
  }

  private onKey(event: KeyboardEvent): void {
    const last = { row: this.model_.rows.length - 1, column: this.model_.columns.length - 1 };
    const link = this.linkAt(this.place_);
    const target = walk(this.place_ ?? this.firstPlace(), event.key, last, (place) => this.linkAt(place) !== null);
    if (target) this.point(target, true);
    else if ((event.key === "Enter" || event.key === " ") && link) this.events_.onOpen(link);
    else if (event.key === "Escape") this.point(null, true);
    else return;
    event.preventDefault();
  }

  private point(place: Place | null, byKey: boolean): void {
    this.place_ = place;
    if (place && byKey) this.scrollTo(place);
    this.markHeads();
    const box = this.showCursor();
    this.events_.onPoint(this.linkAt(place), box, byKey);
  }

  private scrollTo(place: Place): void {
    const { cellWidth, cellHeight, rowHead, columnHead } = this.layout_;
    const host = this.host_;
    const x = place.column * cellWidth;
    const y = place.row * cellHeight;
    host.scrollLeft = Math.min(x, Math.max(host.scrollLeft, x + cellWidth - (host.clientWidth - rowHead)));
    host.scrollTop = Math.min(y, Math.max(host.scrollTop, y + cellHeight - (host.clientHeight - columnHead)));
    if (host.getBoundingClientRect().top < 0) host.scrollIntoView({ block: "nearest" });
  }

  private showCursor(): DOMRect {
    const { cellWidth, cellHeight } = this.layout_;
    const link = this.linkAt(this.place_);
    this.cursor_.hidden = link === null;
    if (this.place_) {
      this.cursor_.style.transform = `translate(${px(this.place_.column * cellWidth)}, ${px(this.place_.row * cellHeight)})`;
    }
    return this.cursor_.getBoundingClientRect();
  }
}
