// The matrix: site names as text around a canvas of cells; pointing, clicking and walking with the keys.
import { element, px } from "../dom";
import type { Entry } from "../model/axis";
import { layoutFor, type Layout } from "../model/matrix_layout";
import type { Link } from "../model/types";
import { walk, type Place } from "../model/walk";
import { Heads } from "./heads";
import type { Scene } from "./scene";
import { Surface } from "./surface";
import { isPrinting, readTheme, watchTheme, type Theme } from "./theme";

/** Height of what a sheet has for the matrix, by its width. */
const paper = 0.42;

interface MatrixEvents {
  /** A cell is pointed at or reached with the keys; null: none any more. `links`: how many stand behind it. */
  onPoint(link: Link | null, links: number, at: DOMRect, byKey: boolean): void;
  onOpen(link: Link): void;
  onUnfold(group: string): void;
  onScroll(): void;
}

export class MatrixView {
  private readonly columnHeads_: Heads;
  private readonly rowHeads_: Heads;
  private readonly surface_: Surface;
  private readonly cursor_ = element("div", { class: "cursor", hidden: "" });
  /** Around row and column of the site that was looked for. */
  private readonly lanes_ = { row: element("div", { class: "lane", hidden: "" }), column: element("div", { class: "lane", hidden: "" }) };
  private readonly plane_ = element("div", {
    class: "plane", tabindex: "0", role: "application", "aria-roledescription": "matrix",
    "aria-label": "Matrix of links: arrow keys move, Enter opens a link",
  });
  private readonly grid_ = element("div", { class: "grid" },
    element("div", { class: "corner", "aria-hidden": "true" }, element("span", {}, "to →"), element("span", {}, "from ↓")));
  private theme_: Theme = readTheme();
  private layout_: Layout = layoutFor({ width: 600, height: 400 }, 1, 1, 60);
  private fit_ = false;
  private names_ = "";
  private place_: Place | null = null;
  private site_ = "";
  private frame_ = 0;
  private readonly changed_ = new Set<number>();

  constructor(private readonly host_: HTMLElement, private readonly scene_: Scene, private readonly events_: MatrixEvents) {
    this.surface_ = new Surface(scene_);
    this.surface_.canvas.setAttribute("aria-hidden", "true");
    this.columnHeads_ = new Heads("column", scene_.model, (group) => events_.onUnfold(group));
    this.rowHeads_ = new Heads("row", scene_.model, (group) => events_.onUnfold(group));
    this.plane_.append(this.surface_.canvas, this.lanes_.row, this.lanes_.column, this.cursor_);
    this.grid_.append(this.columnHeads_.node, this.rowHeads_.node, this.plane_);
    host_.append(this.grid_);
    new ResizeObserver(() => this.arrange()).observe(host_);
    watchTheme(() => {
      this.theme_ = readTheme();
      this.arrange();
      if (isPrinting()) this.draw(); // there is no next frame
    });
    host_.addEventListener("scroll", () => {
      this.frame();
      events_.onScroll();
    }, { passive: true });
    this.plane_.addEventListener("pointermove", (event) => this.onPointer(event));
    this.plane_.addEventListener("pointerleave", () => this.point(null, false));
    this.plane_.addEventListener("click", (event) => this.open(this.placeOf(event)));
    this.plane_.addEventListener("keydown", (event) => this.onKey(event));
    this.plane_.addEventListener("focus", () => this.onFocus());
    this.plane_.addEventListener("blur", () => this.point(null, false));
  }

  /** Rows, columns, the judge or all values are other ones. */
  update(fit: boolean, site: string): void {
    const { rows, columns } = this.scene_;
    const names = [rows, columns].map((entries) => entries.map((entry) => entry.name).join("\n")).join("\n\n");
    const other = names !== this.names_ || fit !== this.fit_;
    if (other) {
      this.names_ = names;
      this.fit_ = fit;
      this.place_ = null;
      this.site_ = site;
      this.arrange();
    } else if (site !== this.site_) {
      this.lookFor(site);
    }
    this.markHealth();
    this.redraw();
  }

  /** Row and column of a site, or of the folded group that it is in, are marked and come into sight. */
  private lookFor(site: string): void {
    this.site_ = site;
    const i = this.scene_.model.grid.siteIndex(site);
    const at = { row: i < 0 ? -1 : this.scene_.rowOf(i), column: i < 0 ? -1 : this.scene_.columnOf(i) };
    this.rowHeads_.markFound(at.row);
    this.columnHeads_.markFound(at.column);
    const { cellWidth, cellHeight } = this.layout_;
    this.lanes_.row.hidden = at.row < 0;
    this.lanes_.column.hidden = at.column < 0;
    this.lanes_.row.style.cssText = `top: ${at.row * cellHeight}px; left: 0; width: 100%; height: ${cellHeight}px`;
    this.lanes_.column.style.cssText = `left: ${at.column * cellWidth}px; top: 0; height: 100%; width: ${cellWidth}px`;
    if (at.row >= 0 || at.column >= 0) this.scrollTo({ row: Math.max(0, at.row), column: Math.max(0, at.column) });
  }

  /** Only these cells are other ones. */
  updateCells(cells: readonly number[]): void {
    for (const i of cells) {
      this.changed_.add(i);
      const back = this.scene_.layer === "split" || this.scene_.layer === "asymmetry" ? this.scene_.turned(i) : -1;
      if (back >= 0) this.changed_.add(back);
    }
    this.frame();
  }

  /** Once a second: ages grow while nothing new arrives. */
  tick(): void {
    this.markHealth();
    if (this.layout_.ages && !this.scene_.model.past) this.redraw();
  }

  focus(): void {
    this.plane_.focus({ preventScroll: true });
  }

  /** Where the cell lies that is pointed at. */
  cursorBox(): DOMRect {
    return this.cursor_.getBoundingClientRect();
  }

  /** Rows and columns that are in sight, for the table that screen readers get. */
  visible(): { rows: readonly Entry[]; columns: readonly Entry[]; row: number; column: number } {
    const { cellWidth, cellHeight, rowHead, columnHead } = this.layout_;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.host_;
    const [row, column] = [Math.floor(scrollTop / cellHeight), Math.floor(scrollLeft / cellWidth)];
    return {
      row, column,
      rows: this.scene_.rows.slice(row, Math.ceil((scrollTop + clientHeight - columnHead) / cellHeight)),
      columns: this.scene_.columns.slice(column, Math.ceil((scrollLeft + clientWidth - rowHead) / cellWidth)),
    };
  }

  private arrange(): void {
    const { columns, rows } = this.scene_;
    if (this.host_.clientWidth === 0) return; // another place is shown
    const fit = this.fit_ || isPrinting();
    const above = this.fit_ ? this.host_.getBoundingClientRect().top + window.scrollY + 14 : 0;
    const high = isPrinting() ? this.host_.clientWidth * paper : this.fit_ ? window.innerHeight - above : window.innerHeight * 0.78;
    const room = { width: this.host_.clientWidth - 1, height: Math.max(320, high) };
    const layout = layoutFor(room, columns.length, rows.length, this.longestName(), fit);
    this.layout_ = layout;
    const style = this.grid_.style;
    style.setProperty("--cell-width", `${layout.cellWidth}px`);
    style.setProperty("--cell-height", `${layout.cellHeight}px`);
    style.setProperty("--row-head", px(layout.rowHead));
    style.setProperty("--column-head", px(layout.columnHead));
    this.grid_.classList.toggle("upright", layout.upright);
    this.grid_.classList.toggle("dense", layout.cellWidth < 50);
    this.grid_.classList.toggle("nameless", layout.nameless);
    this.columnHeads_.arrange(columns, layout.cellWidth);
    this.rowHeads_.arrange(rows, layout.cellHeight);
    this.plane_.style.width = px(columns.length * layout.cellWidth);
    this.plane_.style.height = px(rows.length * layout.cellHeight);
    this.lookFor(this.site_);
    this.showCursor();
    this.redraw();
  }

  private longestName(): number {
    const c = document.createElement("canvas").getContext("2d")!;
    c.font = `500 ${this.theme_.headSize} ${this.theme_.font}`;
    return Math.max(0, ...this.scene_.columns.map((entry) => c.measureText(entry.name).width + (entry.folded ? 34 : 0)));
  }

  /** What the sites' agents say may be new. */
  markHealth(): void {
    this.columnHeads_.markHealth();
    this.rowHeads_.markHealth();
  }

  private markPointed(): void {
    const isCell = this.linkAt(this.place_) !== null;
    this.columnHeads_.point(isCell ? this.place_!.column : -1);
    this.rowHeads_.point(isCell ? this.place_!.row : -1);
  }

  private redraw(): void {
    this.surface_.forget();
    this.frame();
  }

  private frame(): void {
    if (this.frame_ === 0) this.frame_ = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame_ = 0;
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.host_;
    const { rowHead, columnHead, cellWidth, cellHeight } = this.layout_;
    const { rows, columns } = this.scene_;
    this.columnHeads_.show(scrollLeft, clientWidth - rowHead);
    this.rowHeads_.show(scrollTop, (clientHeight || 400) - columnHead);
    this.surface_.resize(Math.min(Math.max(0, clientWidth - rowHead), columns.length * cellWidth),
      Math.min(Math.max(0, (clientHeight || 400) - columnHead), rows.length * cellHeight));
    this.surface_.paint(this.theme_, this.layout_, scrollLeft, scrollTop, this.changed_);
    this.changed_.clear();
  }

  private placeOf(event: MouseEvent): Place {
    const box = this.plane_.getBoundingClientRect();
    return {
      row: Math.floor((event.clientY - box.top) / this.layout_.cellHeight),
      column: Math.floor((event.clientX - box.left) / this.layout_.cellWidth),
    };
  }

  private linkAt(place: Place | null): Link | null {
    return place ? this.scene_.linkAt(place.row, place.column) : null;
  }

  private onPointer(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    const place = this.placeOf(event);
    if (place.row !== this.place_?.row || place.column !== this.place_.column) this.point(place, false);
  }

  private open(place: Place | null): void {
    const link = this.linkAt(place);
    if (link) this.events_.onOpen(link);
  }

  private onFocus(): void {
    if (!this.place_ && this.plane_.matches(":focus-visible")) this.point(this.firstPlace(), true);
  }

  private firstPlace(): Place {
    const column = this.scene_.columns.findIndex((_, at) => this.scene_.cellAt(0, at) >= 0);
    return { row: 0, column: Math.max(0, column) };
  }

  private onKey(event: KeyboardEvent): void {
    const last = { row: this.scene_.rows.length - 1, column: this.scene_.columns.length - 1 };
    const target = walk(this.place_ ?? this.firstPlace(), event.key, last, (place) => this.linkAt(place) !== null);
    if (target) this.point(target, true);
    else if (event.key === "Enter" || event.key === " ") this.open(this.place_);
    else if (event.key === "Escape") this.point(null, true);
    else return;
    event.preventDefault();
  }

  private point(place: Place | null, byKey: boolean): void {
    this.place_ = place;
    if (place && byKey) this.scrollTo(place);
    this.markPointed();
    const box = this.showCursor();
    this.events_.onPoint(this.linkAt(place), place ? this.scene_.countAt(place.row, place.column) : 0, box, byKey);
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
    this.cursor_.hidden = this.linkAt(this.place_) === null;
    if (this.place_) {
      this.cursor_.style.transform = `translate(${this.place_.column * cellWidth}px, ${this.place_.row * cellHeight}px)`;
    }
    return this.cursor_.getBoundingClientRect();
  }
}
