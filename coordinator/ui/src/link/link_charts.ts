// The pictures of one link, both directions on one axis.
import { element } from "../dom";
import { readTheme, type Theme } from "../matrix/theme";
import { dayTime } from "../model/format";
import { limitOf, outcomesInTime, type Run, type Series } from "../model/link_data";
import type { MeshModel } from "../model/mesh_model";
import { metricNamed, type Metric } from "../model/metrics";
import type { Link } from "../model/types";
import type { View } from "../model/view_state";
import { Chart, joined, pick, type Course, type Curve, type Stretch } from "./charts";
import { loadHistogram, loadProfile, loadRuns, loadSeries, type Both } from "./load";
import { drawDensity, drawDistribution, drawOutcomes, drawWeek, Picture } from "./pictures";
import { RawResults } from "./raw_results";

const outcome_steps = 120;

/** The smoke graph shows times: the metric that was chosen where it is one, else the round trip. */
export function smokeMetric(metric: Metric): Metric {
  return metric.unit === "s" ? metric : metricNamed("rtt")!;
}

function smoke(label: string, colour: string, series: Series, x: number[], at: Map<number, number>): Curve {
  return { label, colour, line: pick(series, x, at, "p50"), band: [pick(series, x, at, "p5"), pick(series, x, at, "p95")] };
}

export class LinkCharts {
  private readonly smoke_ = new Chart("Course", "median, and the band from p5 to p95");
  private readonly loss_ = new Chart("Loss", "one way, mean of each step");
  private readonly throughput_ = new Chart("Throughput", "each run; what limited it stands below");
  private readonly loaded_ = new Chart("Round trip, idle against loaded", "medians; loaded: while this link's throughput run was under way");
  private readonly distribution_ = new Picture("Distribution", "of the course above; the way back is dashed");
  private readonly density_ = new Picture("Distribution over time", "of the course above; darker where more samples lie");
  private readonly week_ = new Picture("Hours of the week", "from → to, four weeks");
  private readonly outcomes_ = [new Picture("How runs ended, there", "shares in time", 44), new Picture("How runs ended, back", "shares in time", 44)] as const;
  private readonly limits_ = element("p", { class: "dim words" });
  private draw_: (() => void) | null = null;
  readonly results = new RawResults();
  readonly section: HTMLElement;

  constructor(private readonly model_: MeshModel) {
    this.throughput_.figure.append(this.limits_);
    this.section = element("section", { class: "charts", "aria-label": "Over time" },
      this.smoke_.figure, this.loss_.figure, this.throughput_.figure, this.loaded_.figure, this.distribution_.figure, this.density_.figure, this.week_.figure,
      this.outcomes_[0].figure, this.outcomes_[1].figure);
    for (const wide of [this.smoke_, ...this.outcomes_]) wide.figure.classList.add("wide-chart");
  }

  redraw(): void {
    this.draw_?.();
    for (const picture of [this.distribution_, this.density_, this.week_, ...this.outcomes_]) picture.redraw();
  }

  async load(link: Link, view: View, at: string, isShown: () => boolean): Promise<void> {
    const metric = smokeMetric(view.metric);
    this.smoke_.figure.querySelector("strong")!.textContent = metric.label;
    const names: readonly [string, string] = [`${link.from} → ${link.to}`, `${link.to} → ${link.from}`];
    const [times, loss, throughput, loaded, idle] = await Promise.all(
      [metric.name, "loss", "throughput", "rtt_loaded", "rtt"].map((name) => loadSeries(link, name, view, at)));
    if (!isShown() || !times || !loss || !throughput || !loaded || !idle) return;
    this.draw_ = (): void => this.drawCourses(link, metric, names, { times, loss, throughput, loaded, idle });
    this.draw_();
    const [there, back] = await loadHistogram(link, metric.name, view, at);
    if (!isShown()) return;
    drawDistribution(this.distribution_, there, back, names, metric.unit);
    drawDensity(this.density_, [there, back], names, metric.unit);
    const { runs, since_ms, until_ms } = await loadRuns(link, view, at);
    if (!isShown()) return;
    runs.forEach((one, k) => drawOutcomes(this.outcomes_[k as 0 | 1], outcomesInTime(one, since_ms, until_ms, outcome_steps), dayTime(since_ms), dayTime(until_ms)));
    this.sayLimits(names, runs);
    this.results.show(link, runs.flat(), since_ms);
    const week = await loadProfile(link, metric.name, at);
    if (isShown()) drawWeek(this.week_, week, metric.unit === "ratio", metric.unit);
  }

  private drawCourses(link: Link, metric: Metric, names: readonly [string, string], data: Record<"times" | "loss" | "throughput" | "loaded" | "idle", Both<Series>>): void {
    const theme = readTheme();
    const stretches = this.stretches(link);
    const course = (both: readonly Series[], unit: Course["unit"], zero: boolean, curve: (series: Series, k: number, x: number[], at: Map<number, number>) => Curve): Course => {
      const { x, at } = joined(both);
      return { x, unit, zero, stretches, curves: both.map((series, k) => curve(series, k, x, at[k]!)) };
    };
    const colours = [theme.there, theme.back];
    this.smoke_.draw(course(data.times, metric.unit, false, (series, k, x, at) => smoke(names[k]!, colours[k]!, series, x, at)), "Nothing was measured in this time.");
    this.loss_.draw(course(data.loss, "ratio", true, (series, k, x, at) =>
      ({ label: names[k]!, colour: colours[k]!, line: pick(series, x, at, "mean") })), "Nothing was measured in this time.");
    this.throughput_.draw(course(data.throughput, "bit/s", true, (series, k, x, at) =>
      ({ label: names[k]!, colour: colours[k]!, line: pick(series, x, at, "p50"), points: true })), "No throughput run has ended in this time.");
    this.loaded_.draw(course([data.idle[0], data.loaded[0], data.loaded[1]], "s", true, (series, k, x, at) => loadedCurve(theme, names, series, k, x, at)),
      "No round trip was measured in this time.");
  }

  private stretches(link: Link): Stretch[] {
    return this.model_.incidentsOf(link).flatMap((incident) =>
      incident.started_ms === null ? [] : [{ from_ms: incident.started_ms, to_ms: incident.ended_ms ?? this.model_.now_ms(Date.now()) }]);
  }

  private sayLimits(names: readonly [string, string], runs: Both<readonly Run[]>): void {
    const words = runs.map((one, k) => {
      const newest = [...one].reverse().find((run) => run.probe === "throughput" && run.outcome === "ok");
      const limit = newest ? limitOf(newest) || "limit not known" : "";
      return limit === "" ? "" : `${names[k as 0 | 1]}: the newest run was ${limit}.`;
    });
    this.limits_.textContent = words.filter((one) => one !== "").join(" ");
  }
}

function loadedCurve(theme: Theme, names: readonly [string, string], series: Series, k: number, x: number[], at: Map<number, number>): Curve {
  const labels = ["idle", `loaded, ${names[0]}`, `loaded, ${names[1]}`];
  const colours = [theme.third, theme.there, theme.back];
  return { label: labels[k]!, colour: colours[k]!, line: pick(series, x, at, "p50"), points: k > 0 };
}
