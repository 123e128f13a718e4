// The matrix as a table for screen readers: the cells in sight, in words.
import { sentence } from "./describe_cell";
import { element } from "./dom";
import type { Model } from "./model";
import type { View } from "./view_state";

/** Beyond this a table helps nobody and costs much. */
const most_cells = 10000;

export function drawHiddenTable(
  host: HTMLTableElement, model: Model, view: View, visible: { rows: string[]; columns: string[] }, now_ms: number,
): void {
  const { rows, columns } = visible;
  const fit = rows.slice(0, Math.max(1, Math.floor(most_cells / Math.max(1, columns.length))));
  const head = element("tr", {}, element("th", { scope: "col" }, "from, to"),
    ...columns.map((to) => element("th", { scope: "col" }, to)));
  const body = fit.map((from) => element("tr", {}, element("th", { scope: "row" }, from),
    ...columns.map((to) => cellOf(model, view, from, to, now_ms))));
  host.replaceChildren(
    element("caption", {}, `${view.metric.label}, ${view.stat}, over ${view.window}: row from, column to`),
    element("thead", {}, head), element("tbody", {}, ...body));
}

function cellOf(model: Model, view: View, from: string, to: string, now_ms: number): HTMLElement {
  const cell = model.cell(from, to);
  if (!cell) return element("td");
  const node = element("td", { "data-from": from, "data-to": to, "data-state": cell.state });
  if (cell.value !== null) node.setAttribute("data-value", String(cell.value));
  node.textContent = sentence(cell, model.age(from, to, now_ms), view);
  return node;
}
