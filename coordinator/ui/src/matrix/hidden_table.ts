// The matrix as a table for screen readers: the cells in sight, in words.
import { element } from "../dom";
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

export function drawHiddenTable(host: HTMLTableElement, scene: Scene, view: View, part: Part, now_ms: number): void {
  const columns = part.columns.slice(0, most_cells);
  const rows = part.rows.slice(0, Math.max(1, Math.floor(most_cells / Math.max(1, columns.length))));
  const head = element("tr", {}, element("th", { scope: "col" }, "from, to"),
    ...columns.map((to) => element("th", { scope: "col" }, to.name)));
  const body = rows.map((from, r) => element("tr", {}, element("th", { scope: "row" }, from.name),
    ...columns.map((_, c) => cellOf(scene, view, part.row + r, part.column + c, now_ms))));
  host.replaceChildren(
    element("caption", {}, `${view.metric.label}, ${view.stat}, over ${view.window}: row from, column to`),
    element("thead", {}, head), element("tbody", {}, ...body));
}

function cellOf(scene: Scene, view: View, row: number, column: number, now_ms: number): HTMLElement {
  const i = scene.cellAt(row, column);
  const cell = i < 0 ? undefined : scene.model.grid.cellAt(i);
  if (!cell) return element("td");
  const verdict = scene.judge.of(i);
  const node = element("td", { "data-from": cell.from, "data-to": cell.to, "data-state": cell.state, "data-band": String(verdict.band) });
  if (cell.value !== null) node.setAttribute("data-value", String(cell.value));
  if (scene.model.isMarked(cell.from, cell.to)) node.setAttribute("data-incident", "open");
  node.textContent = sentence(cell, scene.model.ageAt(i, now_ms), view, scene.judge.words(i));
  return node;
}
