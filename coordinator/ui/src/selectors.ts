// The three choices above the matrix.
import { byId, element } from "./dom";
import { metricNamed, metrics, statsOf, windows, type Choice, type Metric } from "./metrics";
import type { Unit } from "./types";
import { withMetric, type View } from "./view_state";

const unitTexts: Record<Unit, string> = { s: "ms", "bit/s": "bit/s", ratio: "%", "1": "" };

function labelOf(metric: Metric): string {
  const unit = unitTexts[metric.unit];
  return unit === "" ? metric.label : `${metric.label} (${unit})`;
}

function option(choice: Choice, selected: string): HTMLOptionElement {
  const node = element("option", { value: choice.name }, choice.label);
  node.selected = choice.name === selected;
  return node;
}

function metricOptions(selected: string): HTMLElement[] {
  const groups = [...new Set(metrics.map((metric) => metric.group))];
  return groups.map((group) => element("optgroup", { label: group },
    ...metrics.filter((metric) => metric.group === group)
      .map((metric) => option({ name: metric.name, label: labelOf(metric) }, selected))));
}

export class Selectors {
  private readonly metric_ = byId("metric", HTMLSelectElement);
  private readonly stat_ = byId("stat", HTMLSelectElement);
  private readonly window_ = byId("window", HTMLSelectElement);

  constructor(private view_: View, onChange: (view: View) => void) {
    this.show(view_);
    this.metric_.addEventListener("change", () => {
      const metric = metricNamed(this.metric_.value);
      if (metric) onChange(withMetric(this.view_, metric));
    });
    this.stat_.addEventListener("change", () => onChange({ ...this.view_, stat: this.stat_.value }));
    this.window_.addEventListener("change", () => onChange({ ...this.view_, window: this.window_.value }));
  }

  show(view: View): void {
    this.view_ = view;
    this.metric_.replaceChildren(...metricOptions(view.metric.name));
    this.stat_.replaceChildren(...statsOf(view.metric).map((choice) => option(choice, view.stat)));
    this.window_.replaceChildren(...windows.map((choice) => option(choice, view.window)));
  }
}
