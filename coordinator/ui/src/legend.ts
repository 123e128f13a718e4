// What the colours and signs mean for the chosen metric; always in sight.
import { element } from "./dom";
import { paintCell, type PaintContext } from "./cell_paint";
import { bound } from "./format";
import { hasBands, type Metric } from "./metrics";
import { stateTexts } from "./states";
import { readTheme } from "./theme";
import type { Cell, CellState } from "./types";
import type { View } from "./view_state";

const swatch_px = 24;
const shown: readonly CellState[] = ["degraded", "stale", "unsynced", "down", "agent_silent", "paused", "never", "none"];

function rangeTexts(metric: Metric): string[] {
  const [a, b, c, d] = metric.bounds.map((value) => bound(value, metric.unit)) as [string, string, string, string];
  return metric.higherIsBetter
    ? [`≥ ${a}`, `≥ ${b}`, `≥ ${c}`, `≥ ${d}`, `< ${d}`]
    : [`< ${a}`, `< ${b}`, `< ${c}`, `< ${d}`, `≥ ${d}`];
}

function valueIn(metric: Metric, band: number): number {
  if (metric.higherIsBetter) return band < 4 ? metric.bounds[band]! : metric.bounds[3] / 2;
  return band === 0 ? metric.bounds[0] / 2 : metric.bounds[band - 1]!;
}

function exampleOf(state: CellState, value: number | null): Cell {
  return { from: "", to: "", value, count: 100, age_s: 0, state };
}

function swatch(view: View, cell: Cell): HTMLCanvasElement {
  const canvas = element("canvas", { "aria-hidden": "true", class: "swatch" });
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(swatch_px * ratio);
  const c = canvas.getContext("2d")!;
  c.scale(ratio, ratio);
  const paint: PaintContext = { c, theme: readTheme(), metric: view.metric, stat: view.stat };
  paintCell(paint, cell, { x: 0, y: 0, w: swatch_px, h: swatch_px }, null);
  return canvas;
}

function item(view: View, cell: Cell, text: string, meaning: string): HTMLElement {
  return element("li", { title: meaning }, swatch(view, cell), element("span", {}, text));
}

function bandItems(view: View): HTMLElement[] {
  if (!hasBands(view.stat)) return [item(view, exampleOf("ok", 0), "a spread is not judged", "no bands")];
  return rangeTexts(view.metric).map((text, band) =>
    item(view, exampleOf("ok", valueIn(view.metric, band)), text, band === 0 ? "best band" : band === 4 ? "worst band" : ""));
}

function stateItems(view: View): HTMLElement[] {
  const states = shown.filter((state) => state !== "unsynced" || view.metric.name === "delay");
  const valueOf = (state: CellState): number | null => (state === "degraded" ? valueIn(view.metric, 3) : null);
  const few = item(view, { ...exampleOf("ok", valueIn(view.metric, 1)), count: 7, few: true }, "few samples", "fewer than 20 samples");
  return [few, ...states.map((state) =>
    item(view, exampleOf(state, valueOf(state)), stateTexts[state].label, stateTexts[state].meaning))];
}

export function drawLegend(host: HTMLElement, view: View): void {
  host.replaceChildren(
    element("ul", { class: "bands", "aria-label": `Bands of ${view.metric.label}, best first` }, ...bandItems(view)),
    element("ul", { class: "states", "aria-label": "States" }, ...stateItems(view)),
  );
}
