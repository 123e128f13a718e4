// The matrix as a table for screen readers: the cells in sight, in words.
import { element, setText } from "../dom";
import { sentence } from "../model/describe_cell";
import type { Entry } from "../model/axis";
import type { View } from "../model/view_state";
import type { Scene } from "./scene";

/** Beyond this a table helps nobody and costs much. */
const most_cells = 4000;

interface Part {
  rows: readonly Entry[];
  columns: readonly Entry[];
  /** Places of the first ones. */
  row: number;
  column: number;
}

/** A whole table at once would hold up several frames. */
const slice_ms = 5;
const pause_ms = 16;

export class HiddenTable {
  /** Nodes by the cells of the grid: of what stands, and of what is being built. */
  private shown_ = new Map<number, HTMLElement>();
  private next_ = new Map<number, HTMLElement>();
  private timer_ = 0;
  private readonly changed_ = new Set<number>();
  private changedTimer_ = 0;

  constructor(private readonly host_: HTMLTableElement, private readonly scene_: Scene) {}

  get isEmpty(): boolean {
    return this.host_.rows.length === 0;
  }

  /** Builds the table anew, a few rows at a time, and shows it when it is complete. */
  draw(view: View, part: Part): void {
    window.clearTimeout(this.timer_);
    const columns = part.columns.slice(0, most_cells);
    const rows = part.rows.slice(0, Math.max(1, Math.floor(most_cells / Math.max(1, columns.length))));
    this.next_ = new Map();
    const body: HTMLElement[] = [];
    const build = (): void => {
      const end_ms = performance.now() + slice_ms;
      while (body.length < rows.length && performance.now() < end_ms) {
        const r = body.length;
        body.push(element("tr", {}, element("th", { scope: "row" }, rows[r]!.name), ...columns.map((_, c) => this.cellOf(view, part.row + r, part.column + c))));
      }
      if (body.length < rows.length) {
        this.timer_ = window.setTimeout(build, pause_ms);
        return;
      }
      const head = element("tr", {}, element("th", { scope: "col" }, "from, to"), ...columns.map((to) => element("th", { scope: "col" }, to.name)));
      this.host_.replaceChildren(
        element("caption", {}, `${view.metric.label}, ${view.stat}, over ${view.window}: row from, column to`),
        element("thead", {}, head), element("tbody", {}, ...body));
      this.shown_ = this.next_;
    };
    build();
  }

  /** Only these cells are new. They are written a few at a time, so that no frame waits for them. */
  update(cells: readonly number[], view: View): void {
    for (const i of cells) if (this.shown_.has(i) || this.next_.has(i)) this.changed_.add(i);
    if (this.changedTimer_ === 0 && this.changed_.size > 0) this.changedTimer_ = window.setTimeout(() => this.writeChanged(view), pause_ms);
  }

  private writeChanged(view: View): void {
    this.changedTimer_ = 0;
    const end_ms = performance.now() + slice_ms;
    for (const i of this.changed_) {
      if (performance.now() > end_ms) break;
      this.changed_.delete(i);
      for (const node of new Set([this.shown_.get(i), this.next_.get(i)])) if (node) this.fill(node, i, view);
    }
    if (this.changed_.size > 0) this.changedTimer_ = window.setTimeout(() => this.writeChanged(view), pause_ms);
  }

  private cellOf(view: View, row: number, column: number): HTMLElement {
    const node = element("td");
    const i = this.scene_.cellAt(row, column);
    if (i < 0) return node;
    this.fill(node, i, view);
    this.next_.set(i, node);
    return node;
  }

  private fill(node: HTMLElement, i: number, view: View): void {
    const { model, judge } = this.scene_;
    const cell = model.grid.cellAt(i);
    if (!cell) return;
    const data: Record<string, string | undefined> = {
      from: cell.from, to: cell.to, state: cell.state, band: String(judge.of(i).band), value: cell.value === null ? undefined : String(cell.value),
      incident: model.isMarked(cell.from, cell.to) ? "open" : undefined,
    };
    for (const [name, value] of Object.entries(data)) {
      if (value === undefined) delete node.dataset[name];
      else if (node.dataset[name] !== value) node.dataset[name] = value;
    }
    setText(node, sentence(cell, model.ageAt(i, Date.now()), view, judge.words(i)));
  }
}
