// The panel for one link: every metric in both directions, side by side.
import { getLink, Refused } from "./api";
import { byId, element, setText, showChildren } from "./dom";
import { age as ageText, inWords } from "./format";
import { readLink, type LinkAnswer } from "./link_model";
import { metrics, type Metric } from "./metrics";
import { stateTexts } from "./states";
import { sameLink, type Cell, type Link } from "./types";

const refresh_ms = 5000;

function valueCell(metric: Metric, cell: Cell | undefined): HTMLElement {
  if (!cell) return element("td", { "data-state": "none" }, "–");
  const node = element("td", { "data-state": cell.state });
  node.append(element("span", { class: "value" }, inWords(cell.value, metric.unit)));
  const notes: string[] = [];
  if (cell.state !== "ok") notes.push(stateTexts[cell.state].label);
  if (cell.value !== null && cell.age_s !== null) notes.push(`${ageText(cell.age_s)} ago`);
  if (cell.few === true && cell.value !== null) notes.push("few");
  node.append(element("span", { class: "note" }, notes.join(" · ")));
  return node;
}

function groupRows(group: string, answer: LinkAnswer): HTMLElement[] {
  const measured = metrics.filter((metric) => metric.group === group &&
    [answer.there, answer.back].some((cells) => (cells.get(metric.name)?.state ?? "none") !== "none"));
  if (measured.length === 0) return [];
  const title = element("tr", { class: "group" }, element("th", { scope: "rowgroup", colspan: "3" }, group));
  return [title, ...measured.map((metric) => element("tr", { "data-metric": metric.name },
    element("th", { scope: "row" }, metric.label),
    valueCell(metric, answer.there.get(metric.name)), valueCell(metric, answer.back.get(metric.name))))];
}

function noteOf(answer: LinkAnswer): string {
  const km = answer.distance_m === null ? "" : ` The sites are ${Math.round(answer.distance_m / 1000)} km apart.`;
  return `Medians of the last hour, means of ratios.${km}`;
}

export class LinkPanel {
  private readonly panel_ = byId("panel", HTMLElement);
  private readonly title_ = byId("panel-title", HTMLElement);
  private readonly note_ = byId("panel-note", HTMLElement);
  private readonly there_ = byId("panel-there", HTMLElement);
  private readonly back_ = byId("panel-back", HTMLElement);
  private readonly body_ = byId("panel-body", HTMLTableSectionElement);
  private link_: Link | null = null;
  private loadedAt_ms_ = 0;

  constructor(private readonly onClose_: () => void) {
    byId("panel-close", HTMLButtonElement).addEventListener("click", () => onClose_());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.link_) this.onClose_();
    });
  }

  show(link: Link | null): void {
    if (sameLink(link, this.link_)) return;
    this.link_ = link;
    this.panel_.hidden = link === null;
    document.body.classList.toggle("with-panel", link !== null);
    if (!link) return;
    setText(this.title_, `${link.from} ⇄ ${link.to}`);
    setText(this.there_, `${link.from} → ${link.to}`);
    setText(this.back_, `${link.to} → ${link.from}`);
    this.body_.replaceChildren();
    setText(this.note_, "");
    void this.load(link);
  }

  focus(): void {
    byId("panel-close", HTMLButtonElement).focus({ preventScroll: true });
  }

  tick(now_ms: number): void {
    if (this.link_ && !document.hidden && now_ms - this.loadedAt_ms_ > refresh_ms) void this.load(this.link_);
  }

  private async load(link: Link): Promise<void> {
    this.loadedAt_ms_ = Date.now();
    try {
      const answer = readLink(await getLink(link), link);
      if (!sameLink(link, this.link_)) return;
      showChildren(this.body_, ["Latency", "Connect", "Throughput"].flatMap((group) => groupRows(group, answer)));
      setText(this.note_, noteOf(answer));
    } catch (error) {
      if (!sameLink(link, this.link_)) return;
      setText(this.note_, error instanceof Refused ? error.message : "The coordinator does not answer; retrying.");
    }
  }
}
