// The place of one link: what its numbers mean, both directions side by side and over time, and measuring it now.
import { byId, element, option, setText, showChildren } from "../dom";
import { watchTheme } from "../matrix/theme";
import { inWords } from "../model/format";
import type { Detour, Finding } from "../model/link_data";
import type { MeshModel } from "../model/mesh_model";
import { windows } from "../model/metrics";
import { sameLink, type Link } from "../model/types";
import type { View } from "../model/view_state";
import { Refused, seriesAddress } from "../net/api";
import { incidentCard } from "../places/incidents_view";
import { LinkCharts } from "./link_charts";
import { instantOf, loadDetours, loadFindings, loadLink } from "./load";
import { MeasureNow } from "./measure_now";
import { distanceWords, metricRows } from "./metrics_table";

const numbers_ms = 5000;
const charts_ms = 20000;

interface LinkEvents {
  onChoice(view: View): void;
  onClose(): void;
}

function findingItem(finding: Finding): HTMLElement {
  return element("li", { "data-weight": finding.weight, "data-code": finding.code }, finding.text);
}

function detourWords(detour: Detour): string {
  const held = detour.held === null ? "" : `; so in ${inWords(detour.held, "ratio")} of the measured hours`;
  return `${detour.from} → ${detour.to} via ${detour.via}: ${inWords(detour.via_s, "s")} instead of ${inWords(detour.direct_s, "s")}, ${inWords(detour.gain_ratio, "ratio")} less${held}.`;
}

export class LinkView {
  private readonly panel_ = byId("panel", HTMLElement);
  private readonly title_ = byId("panel-title", HTMLElement);
  private readonly note_ = element("p", { id: "panel-note", class: "dim", role: "status" });
  private readonly heads_ = [element("th", { scope: "col" }), element("th", { scope: "col" })] as const;
  private readonly csv_ = element("a", { id: "series-csv", class: "save", download: "", title: "save the course of the chosen metric as a table for a spreadsheet" }, "CSV");
  private readonly body_ = element("tbody", { id: "panel-body" });
  private readonly findings_ = [element("ul"), element("ul")] as const;
  private readonly findingsPart_ = element("section", { class: "findings", "aria-label": "What the numbers mean" });
  private readonly findingHeads_ = [element("h3"), element("h3")] as const;
  private readonly detours_ = element("ul", { id: "detours" });
  private readonly incidents_ = element("ul", { id: "link-incidents" });
  private readonly back_ = element("select", { id: "back" });
  private readonly charts_: LinkCharts;
  private readonly measure_: MeasureNow;
  private view_: View | null = null;
  private link_: Link | null = null;
  private numbersAt_ms_ = 0;
  private chartsAt_ms_ = 0;
  private shown_ = "";
  /** Loads under way. */
  private asking_ = 0;

  constructor(private readonly model_: MeshModel, private readonly events_: LinkEvents) {
    this.charts_ = new LinkCharts(model_);
    this.measure_ = new MeasureNow(() => this.link_, () => model_.now_ms(Date.now()), () => this.reload());
    byId("panel-close", HTMLButtonElement).addEventListener("click", () => events_.onClose());
    this.back_.addEventListener("change", () => this.view_ && events_.onChoice({ ...this.view_, back: this.back_.value }));
    watchTheme(() => this.charts_.redraw());
    byId("panel-content", HTMLElement).append(...this.build());
  }

  private build(): HTMLElement[] {
    const turn = element("button", { type: "button", id: "turn", title: "look at the way back" }, "⇄ turn round");
    turn.addEventListener("click", () => {
      if (this.view_ && this.link_) this.events_.onChoice({ ...this.view_, link: { from: this.link_.to, to: this.link_.from } });
    });
    const head = element("tr", {}, element("th", { scope: "col" }, element("span", { class: "unseen" }, "metric")), ...this.heads_,
      element("th", { scope: "col", title: "from → to less the way back" }, "difference"));
    const [there, back] = [0, 1].map((k) => element("div", {}, this.findingHeads_[k as 0 | 1], this.findings_[k as 0 | 1]));
    this.findingsPart_.append(there!, back!);
    return [
      element("div", { class: "row" }, element("label", { class: "inline" }, "Look back over ", this.back_), turn, this.csv_),
      this.note_, this.incidents_,
      this.findingsPart_,
      this.charts_.section,
      element("section", { "aria-labelledby": "detour-title" }, element("h3", { id: "detour-title" }, "Detour"), this.detours_),
      this.measure_.section,
      element("section", { "aria-labelledby": "numbers-title" }, element("h3", { id: "numbers-title" }, "All metrics"),
        element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "All metrics" },
          element("table", { class: "metrics" }, element("thead", {}, head), this.body_))),
      this.charts_.results.section,
    ];
  }

  show(view: View): void {
    const key = [view.link?.from, view.link?.to, view.metric.name, view.window, view.at, view.back].join("\n");
    const other = !sameLink(view.link, this.link_);
    this.view_ = view;
    this.link_ = view.link;
    if (!view.link || key === this.shown_) {
      if (!view.link) this.shown_ = "";
      return;
    }
    this.shown_ = key;
    this.csv_.href = seriesAddress(view.link, view);
    this.panel_.dataset.complete = "false";
    this.back_.replaceChildren(...windows.map(({ name, label }) => option(name, label, name === view.back)));
    if (other) this.clear(view.link);
    this.onModel();
    this.reload();
  }

  private clear(link: Link): void {
    setText(this.title_, `${link.from} ⇄ ${link.to}`);
    const names = [`${link.from} → ${link.to}`, `${link.to} → ${link.from}`];
    names.forEach((name, k) => {
      setText(this.heads_[k as 0 | 1], name);
      setText(this.findingHeads_[k as 0 | 1], name);
      this.findings_[k as 0 | 1].replaceChildren();
    });
    this.body_.replaceChildren();
    for (const part of [this.findingsPart_, this.charts_.section]) delete part.dataset.complete;
    this.detours_.replaceChildren();
    this.measure_.clear();
    setText(this.note_, "");
  }

  /** What stands above is there now: it moves no more. */
  private showParts(): void {
    for (const part of [this.findingsPart_, this.charts_.section]) part.dataset.complete = "true";
  }

  focus(): void {
    byId("panel-close", HTMLButtonElement).focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  }

  /** Sites or incidents are other ones. */
  onModel(): void {
    if (!this.link_) return;
    const incidents = this.model_.incidentsOf(this.link_);
    showChildren(this.incidents_, incidents.slice(0, 5).map((incident) =>
      incidentCard(incident, Date.now(), (link) => this.view_ && this.events_.onChoice({ ...this.view_, link }))));
  }

  tick(now_ms: number): void {
    if (!this.link_ || document.hidden || this.view_?.at !== null) return;
    // A coordinator that needs longer than that is not asked again meanwhile.
    if (this.asking_ > 0) return;
    if (now_ms - this.numbersAt_ms_ > numbers_ms) void this.loadNumbers(this.link_, this.view_);
    if (now_ms - this.chartsAt_ms_ > charts_ms) void this.loadCharts(this.link_, this.view_);
  }

  private reload(): void {
    if (!this.link_ || !this.view_) return;
    void this.loadNumbers(this.link_, this.view_);
    void this.loadCharts(this.link_, this.view_);
  }

  private isShown(link: Link, view: View): boolean {
    return sameLink(link, this.link_) && this.view_?.at === view.at && this.view_.back === view.back && this.view_.metric === view.metric;
  }

  private async loadNumbers(link: Link, view: View): Promise<void> {
    this.numbersAt_ms_ = Date.now();
    this.asking_ += 1;
    try {
      const [answer, findings] = await Promise.all([
        loadLink(link, view, instantOf(view, this.model_.now_ms(Date.now()))), view.at === null ? loadFindings(link) : null,
      ]);
      if (!this.isShown(link, view)) return;
      showChildren(this.body_, metricRows(answer));
      findings?.forEach((list, k) => showChildren(this.findings_[k as 0 | 1], list.map(findingItem)));
      this.showParts();
      setText(this.note_, `Medians over ${view.window}, means of ratios. ${distanceWords(answer)}`);
    } catch (error) {
      if (!this.isShown(link, view)) return;
      this.showParts();
      setText(this.note_, error instanceof Refused ? error.message : "The coordinator does not answer; retrying.");
    } finally {
      this.asking_ -= 1;
    }
  }

  private async loadCharts(link: Link, view: View): Promise<void> {
    this.chartsAt_ms_ = Date.now();
    this.asking_ += 1;
    try {
      await this.showCharts(link, view);
    } finally {
      this.asking_ -= 1;
    }
  }

  private async showCharts(link: Link, view: View): Promise<void> {
    const at = instantOf(view, this.model_.now_ms(Date.now()));
    const isShown = (): boolean => this.isShown(link, view);
    await this.charts_.load(link, view, at, isShown);
    const detours = await loadDetours(link, view);
    if (!isShown()) return;
    showChildren(this.detours_, detours.length === 0
      ? [element("li", { class: "dim" }, "No third site gives a shorter round trip.")]
      : detours.map((detour) => element("li", {}, detourWords(detour))));
    this.panel_.dataset.complete = "true";
  }
}
