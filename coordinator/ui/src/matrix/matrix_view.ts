// The matrix: site names as text around a canvas of cells; pointing, clicking and walking with the keys.
import { element, px } from "../dom";
import type { Entry } from "../model/axis";
import { layoutFor, type Layout } from "../model/matrix_layout";
import { troubles } from "../model/sites_model";
import type { Link } from "../model/types";
import { walk, type Place } from "../model/walk";
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
  private readonly columnHeads_ = element("div", { class: "column-heads", "aria-hidden": "true" });
  private readonly rowHeads_ = element("div", { class: "row-heads", "aria-hidden": "true" });
  private readonly surface_: Surface;
  private readonly cursor_ = element("div", { class: "cursor", hidden: "" });
  private readonly plane_ = element("div", {
    class: "plane", tabindex: "0", role: "application", "aria-roledescription": "matrix",
    "aria-label": "Matrix of links: arrow keys move, Enter opens a link",
  });
  private readonly grid_ = element("div", { class: "grid" },
    element("div", { class: "corner", "aria-hidden": "true" }, element("span", {}, "to →"), element("span", {}, "from ↓")),
    this.columnHeads_, this.rowHeads_, this.plane_);
  private theme_: Theme = readTheme();
  private layout_: Layout = layoutFor({ width: 600, height: 400 }, 1, 1, 60);
  private fit_ = false;
  private names_ = "";
  private place_: Place | null = null;
  private pointedHeads_: Element[] = [];
  private frame_ = 0;
  private readonly changed_ = new Set<number>();

  constructor(private readonly host_: HTMLElement, private readonly scene_: Scene, private readonly events_: MatrixEvents) {
    this.surface_ = new Surface(scene_);
    this.surface_.canvas.setAttribute("aria-hidden", "true");
    this.plane_.append(this.surface_.canvas, this.cursor_);
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
  update(fit: boolean): void {
    const { rows, columns } = this.scene_;
    const names = [rows, columns].map((entries) => entries.map((entry) => entry.name).join("\n")).join("\n\n");
    if (names !== this.names_ || fit !== this.fit_) {
      this.names_ = names;
      this.fit_ = fit;
      this.place_ = null;
      this.arrange();
    }
    this.markHealth();
    this.redraw();
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
    this.columnHeads_.replaceChildren(...this.heads(columns));
    this.rowHeads_.replaceChildren(...this.heads(rows));
    this.pointedHeads_ = [];
    this.plane_.style.width = px(columns.length * layout.cellWidth);
    this.plane_.style.height = px(rows.length * layout.cellHeight);
    this.markHealth();
    this.showCursor();
    this.redraw();
  }

  private heads(entries: readonly Entry[]): HTMLElement[] {
    return entries.map((entry) => {
      const node = element("div", { class: entry.folded ? "site folded" : "site", title: entry.name },
        element("span", { class: "mark" }), element("span", { class: "name" }, entry.folded ? `${entry.name} (${entry.members.length})` : entry.name));
      if (entry.folded) node.addEventListener("click", () => this.events_.onUnfold(entry.group));
      return node;
    });
  }

  private longestName(): number {
    const c = document.createElement("canvas").getContext("2d")!;
    c.font = `500 13px ${this.theme_.font}`;
    return Math.max(0, ...this.scene_.columns.map((entry) => c.measureText(entry.name).width + (entry.folded ? 34 : 0)));
  }

  /** Of a group the worst of its sites. */
  private markHealth(): void {
    const { model } = this.scene_;
    const of = (entry: Entry): [health: string, title: string] => {
      const sites = entry.members.map((i) => model.health(model.grid.sites[i] ?? "")).filter((site) => site !== undefined);
      const silent = sites.filter((site) => site.health === "silent" || site.health === "never");
      if (silent.length > 0) return [silent[0]!.health, `${entry.name}: ${silent.map((site) => (entry.folded ? site.name : "")).join(" ")} ${silent[0]!.health === "silent" ? "silent" : "never heard"}`];
      const wrong = sites.flatMap((site) => troubles(site));
      if (wrong.length > 0) return ["warn", `${entry.name}: ${wrong.join("; ")}`];
      return [sites.every((site) => site.health === "no_agent") && sites.length > 0 ? "no_agent" : "ok", entry.name];
    };
    const mark = (heads: HTMLElement, entries: readonly Entry[]): void => entries.forEach((entry, i) => {
      const head = heads.children[i];
      const [health, title] = of(entry);
      if (!head || (head.getAttribute("data-health") === health && head.getAttribute("title") === title)) return;
      head.setAttribute("data-health", health);
      head.setAttribute("title", title);
    });
    mark(this.columnHeads_, this.scene_.columns);
    mark(this.rowHeads_, this.scene_.rows);
  }

  private markPointed(): void {
    for (const head of this.pointedHeads_) head.classList.remove("pointed");
    this.pointedHeads_ = [this.columnHeads_.children[this.place_?.column ?? -1], this.rowHeads_.children[this.place_?.row ?? -1]]
      .filter((head) => head !== undefined);
    for (const head of this.pointedHeads_) head.classList.add("pointed");
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
