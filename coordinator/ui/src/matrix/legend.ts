// What the colours and signs mean for the chosen metric; always in sight.
import { element } from "../dom";
import type { Judge } from "../model/judge";
import { stateTexts } from "../model/states";
import type { CellState } from "../model/types";
import type { View } from "../model/view_state";
import { paintCell, type Look } from "./cell_paint";
import { readTheme, type Theme } from "./theme";

const swatch_px = 24;
const shown: readonly CellState[] = ["degraded", "stale", "unsynced", "down", "agent_silent", "paused", "never", "none"];

function example(view: View, judge: Judge, state: CellState, band: number): Look {
  return {
    state, verdict: { band, shown: NaN, unit: view.metric.unit, signed: false }, sign: judge.sign,
    few: false, age: null, marked: false,
  };
}

function swatch(theme: Theme, look: Look): HTMLCanvasElement {
  const canvas = element("canvas", { "aria-hidden": "true", class: "swatch" });
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(swatch_px * ratio);
  const c = canvas.getContext("2d")!;
  c.scale(ratio, ratio);
  paintCell({ c, theme }, look, { x: 0, y: 0, w: swatch_px, h: swatch_px });
  return canvas;
}

function item(theme: Theme, look: Look, text: string, meaning: string): HTMLElement {
  return element("li", { title: meaning }, swatch(theme, look), element("span", {}, text));
}

function bandItems(theme: Theme, view: View, judge: Judge): HTMLElement[] {
  const items = judge.labels.map((text, band) =>
    item(theme, example(view, judge, "ok", band), text, band === 0 ? "best band" : band === 4 ? "worst band" : ""));
  if (judge.lacking !== "") items.push(item(theme, example(view, judge, "ok", -1), judge.lacking, "a value that is not judged"));
  return items;
}

function stateItems(theme: Theme, view: View, judge: Judge): HTMLElement[] {
  const states = shown.filter((state) => state !== "unsynced" || view.metric.name === "delay");
  const few = { ...example(view, judge, "ok", 1), few: true };
  const marked = { ...example(view, judge, "ok", 2), marked: true };
  return [
    item(theme, few, "few samples", "fewer than 20 samples"),
    ...states.map((state) => item(theme, example(view, judge, state, 3), stateTexts[state].label, stateTexts[state].meaning)),
    item(theme, marked, "open incident", "an incident that is open explains this link"),
  ];
}

export function drawLegend(host: HTMLElement, view: View, judge: Judge): void {
  const theme = readTheme();
  host.replaceChildren(
    element("p", { class: "legend-title" }, judge.title),
    element("ul", { class: "bands", "aria-label": `Bands of ${view.metric.label}, best first` }, ...bandItems(theme, view, judge)),
    element("ul", { class: "states", "aria-label": "States" }, ...stateItems(theme, view, judge)),
  );
}
