// The incidents: what is wrong now, what was, with evidence and the links that it explains.
import { byId, element, setText } from "../dom";
import { age, dayTime } from "../model/format";
import { causeText, type Incident } from "../model/incidents";
import type { MeshModel } from "../model/mesh_model";
import type { Link } from "../model/types";
import { QuietForm } from "./quiet_form";

const links_shown = 12;

function times(incident: Incident, now_ms: number): string {
  if (incident.started_ms === null) return "";
  const began = dayTime(incident.started_ms);
  const end = incident.ended_ms ?? now_ms;
  const lasted = age((end - incident.started_ms) / 1000);
  return incident.open ? `since ${began}, for ${lasted}` : `${began}, lasted ${lasted}`;
}

function list(title: string, sentences: readonly string[]): Node[] {
  if (sentences.length === 0) return [];
  return [element("h4", {}, title), element("ul", {}, ...sentences.map((text) => element("li", {}, text)))];
}

export function incidentCard(incident: Incident, now_ms: number, onOpen: (link: Link) => void, actions: HTMLElement | null = null): HTMLElement {
  const confidence = incident.confidence === null ? "" : `confidence ${Math.round(100 * incident.confidence)} %`;
  const facts = [causeText(incident.cause), incident.severity, times(incident, now_ms), confidence, incident.metrics.join(", ")];
  const links = incident.links.slice(0, links_shown).map((link) => {
    const button = element("button", { type: "button", class: "link" }, `${link.from} → ${link.to}`);
    button.addEventListener("click", () => onOpen(link));
    return button;
  });
  if (incident.links.length > links_shown) links.push(element("span", { class: "dim" }, `and ${incident.links.length - links_shown} more`) as HTMLButtonElement);
  return element("li", { class: "incident", "data-open": String(incident.open), "data-id": incident.id },
    element("h3", {}, incident.summary),
    element("p", { class: "dim" }, facts.filter((fact) => fact !== "").join(" · ")),
    ...incident.quiet.map((sentence) => element("p", { class: "held" }, sentence)), ...(actions ? [actions] : []),
    element("p", { class: "links" }, ...links),
    ...list("Evidence", incident.evidence), ...list("It may also be", incident.alternatives), ...list("Timeline", incident.timeline));
}

export class IncidentsView {
  private readonly list_ = byId("incident-list", HTMLElement);
  private readonly nothing_ = byId("incidents-nothing", HTMLElement);
  private shown_ = "";

  private readonly form_ = new QuietForm(() => this.redraw());

  constructor(private readonly model_: MeshModel, private readonly onOpen_: (link: Link) => void) {
    this.list_.after(this.form_.section);
  }

  private redraw(): void {
    this.shown_ = "";
    this.refresh(Date.now());
  }

  refresh(now_ms: number): void {
    const { incidents } = this.model_;
    setText(this.nothing_, incidents.length === 0 ? "No incident is known. When a link degrades, its cause is named here, once for all links that it explains." : "");
    const key = JSON.stringify(incidents);
    if (key === this.shown_) return;
    this.shown_ = key;
    this.list_.replaceChildren(...incidents.map((incident) => incidentCard(incident, now_ms, this.onOpen_, this.form_.actions(incident))));
    this.form_.load();
  }

  tick(now_ms: number): void {
    this.refresh(now_ms);
  }
}
