// The choices above the matrix.
import { byId, element, option } from "../dom";
import { floorLegs } from "../model/judge";
import { metricNamed, metrics, statsOf, windows, type Metric } from "../model/metrics";
import type { Unit } from "../model/types";
import { colourModes, layers, orders, withMetric, type View } from "../model/view_state";
import { matrixAddress } from "../net/api";

const unitTexts: Record<Unit, string> = { s: "ms", "bit/s": "bit/s", ratio: "%", "1": "" };

const colourTexts: Record<(typeof colourModes)[number], string> = {
  bands: "absolute bounds", baseline: "own baseline (hour of week)", floor: "light in fibre",
};
const layerTexts: Record<(typeof layers)[number], string> = {
  value: "from → to", split: "both directions, split", asymmetry: "asymmetry", difference: "difference in time",
};
const orderTexts: Record<(typeof orders)[number], string> = {
  given: "as configured", name: "name", place: "place, west to east", group: "group", worst: "worst first", similar: "similarity",
};

function labelOf(metric: Metric): string {
  const unit = unitTexts[metric.unit];
  return unit === "" ? metric.label : `${metric.label} (${unit})`;
}

function metricOptions(selected: string): HTMLElement[] {
  const groups = [...new Set(metrics.map((metric) => metric.group))];
  return groups.map((group) => element("optgroup", { label: group },
    ...metrics.filter((metric) => metric.group === group)
      .map((metric) => option(metric.name, labelOf(metric), metric.name === selected))));
}

function namedOptions<Name extends string>(names: readonly Name[], texts: Record<Name, string>, selected: Name,
                                           barred: (name: Name) => boolean = () => false): HTMLOptionElement[] {
  return names.map((name) => option(name, texts[name], name === selected, barred(name)));
}

export class Selectors {
  private readonly metric_ = byId("metric", HTMLSelectElement);
  private readonly stat_ = byId("stat", HTMLSelectElement);
  private readonly window_ = byId("window", HTMLSelectElement);
  private readonly colour_ = byId("colour", HTMLSelectElement);
  private readonly layer_ = byId("layer", HTMLSelectElement);
  private readonly order_ = byId("order", HTMLSelectElement);
  private readonly fit_ = byId("fit", HTMLButtonElement);
  private readonly csv_ = byId("csv", HTMLAnchorElement);
  private shown_ = "";

  constructor(private view_: View, onChange: (view: View) => void) {
    this.show(view_);
    this.metric_.addEventListener("change", () => {
      const metric = metricNamed(this.metric_.value);
      if (metric) onChange(withMetric(this.view_, metric));
    });
    this.stat_.addEventListener("change", () => onChange({ ...this.view_, stat: this.stat_.value }));
    this.window_.addEventListener("change", () => onChange({ ...this.view_, window: this.window_.value }));
    const chosen = <Name extends string>(names: readonly Name[], select: HTMLSelectElement): Name =>
      names.find((name) => name === select.value) ?? names[0]!;
    this.colour_.addEventListener("change", () => onChange({ ...this.view_, colour: chosen(colourModes, this.colour_) }));
    this.layer_.addEventListener("change", () => onChange({ ...this.view_, layer: chosen(layers, this.layer_) }));
    this.order_.addEventListener("change", () => onChange({ ...this.view_, order: chosen(orders, this.order_) }));
    this.fit_.addEventListener("click", () => onChange({ ...this.view_, fit: !this.view_.fit }));
  }

  show(view: View): void {
    this.view_ = view;
    this.csv_.href = matrixAddress(view);
    const { metric } = view;
    const key = [metric.name, view.stat, view.window, view.colour, view.layer, view.order, view.fit].join(" ");
    if (key === this.shown_) return; // a list that is open would close
    this.shown_ = key;
    this.metric_.replaceChildren(...metricOptions(metric.name));
    this.stat_.replaceChildren(...statsOf(metric).map(({ name, label }) => option(name, label, name === view.stat)));
    this.window_.replaceChildren(...windows.map(({ name, label }) => option(name, label, name === view.window)));
    this.colour_.replaceChildren(...namedOptions(colourModes, colourTexts, view.colour, (mode) => mode === "floor" && floorLegs(metric) === 0 && view.colour !== "floor"));
    this.colour_.disabled = view.layer === "asymmetry" || view.layer === "difference";
    this.layer_.replaceChildren(...namedOptions(layers, layerTexts, view.layer));
    this.order_.replaceChildren(...namedOptions(orders, orderTexts, view.order));
    this.fit_.setAttribute("aria-pressed", String(view.fit));
  }
}
