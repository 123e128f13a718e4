// The sites: who is heard, with which version, clock and spool, and how well each agent measures.
import { byId, element, setText, showChildren } from "../dom";
import { age, count, inWords, octets } from "../model/format";
import type { MeshModel } from "../model/mesh_model";
import { sortedSites, troubles, type Health, type Measurer, type Site, type Spread } from "../model/sites_model";
import { siteOrders, type SiteOrder, type View } from "../model/view_state";

const healthTexts: Record<Health, string> = {
  ok: "heard", silent: "silent", never: "never heard", no_agent: "no agent",
};

function clockOf(site: Site): string {
  if (site.clockOffset_s === null && site.clockError_s === null) return "unknown";
  const offset = site.clockOffset_s === null ? "" : `${site.clockOffset_s < 0 ? "−" : "+"}${inWords(Math.abs(site.clockOffset_s), "s")}`;
  const error = site.clockError_s === null ? "" : `± ${inWords(site.clockError_s, "s")}`;
  return [offset, error].filter((part) => part !== "").join(" ");
}

function spoolOf(site: Site): string {
  if (site.spooled === null || site.health === "never") return "–";
  return site.spooled === 0 ? "empty" : `${count(site.spooled)} waiting`;
}

function spreadOf(spread: Spread): string {
  return spread.p50 === null ? "–" : `${inWords(spread.p50, "s")} / ${inWords(spread.p99, "s")}`;
}

function trafficOf(site: Site): string {
  if (site.traffic === null) return "–";
  return site.budget === null ? octets(site.traffic) : `${octets(site.traffic)} of ${octets(site.budget)}`;
}

function lostOf(measurer: Measurer): string {
  const parts: [number, string][] = [[measurer.socketDrops, "socket drops"], [measurer.lostStamps, "lost stamps"], [measurer.dropped, "results dropped"], [measurer.starved, "results starved"]];
  const found = parts.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
  return found.length === 0 ? "nothing" : found.join(", ");
}

/** Numbers do not part from their units at the end of a line. */
function tied(text: string): string {
  return text.replace(/(\d|±) (?=[^/])/gu, "$1\u00a0");
}

function rowOf(model: MeshModel, site: Site, now_ms: number, found: boolean): HTMLElement {
  const ago = model.heardAgo_s(site, now_ms);
  const hasAgent = site.health !== "no_agent";
  const wrong = troubles(site);
  const state = element("td", { class: "health", "data-health": site.health === "ok" && wrong.length > 0 ? "warn" : site.health },
    element("span", { class: "mark" }), healthTexts[site.health]);
  if (wrong.length > 0) state.append(element("span", { class: "note" }, wrong.join("; ")));
  const cell = (text: string, kind = ""): HTMLElement => element("td", kind === "" ? {} : { class: kind }, tied(text));
  const { measurer } = site;
  const where = [site.groups.join(", "), site.uplink === "" ? "" : `uplink ${site.uplink}`].filter((part) => part !== "").join(" · ");
  return element("tr", found ? { class: "found" } : {},
    element("th", { scope: "row" }, site.name, ...(where === "" ? [] : [element("span", { class: "note" }, where)])),
    state,
    cell(!hasAgent ? "–" : ago === null ? "never" : `${age(ago)} ago`),
    cell(site.version || "–"),
    cell(hasAgent ? clockOf(site) : "–", site.clockOffset_s === null ? "dim" : ""),
    cell(hasAgent ? spoolOf(site) : "–"),
    cell(site.results === null ? "–" : count(site.results), "number"),
    cell(trafficOf(site), "number"),
    cell(measurer ? spreadOf(measurer.sendLateness) : "–"),
    cell(measurer ? spreadOf(measurer.slotLateness) : "–"),
    cell(measurer ? spreadOf(measurer.hold) : "–"),
    cell(measurer ? inWords(measurer.pressure, "ratio") : "–"),
    cell(measurer ? lostOf(measurer) : "–"));
}

function orderOf(head: HTMLButtonElement): SiteOrder {
  return siteOrders.find((order) => order === head.dataset.sort) ?? "given";
}

export class SitesView {
  private readonly body_ = byId("sites-body", HTMLTableSectionElement);
  private readonly summary_ = byId("sites-summary", HTMLElement);

  private readonly heads_ = [...document.querySelectorAll<HTMLButtonElement>("#sites-place thead button")];
  private view_: View | null = null;
  /** Which site has been brought into sight. */
  private shownSite_ = "";

  constructor(private readonly model_: MeshModel, onChoice: (view: View) => void) {
    for (const head of this.heads_) {
      head.addEventListener("click", () => {
        if (this.view_) onChoice({ ...this.view_, sort: this.view_.sort === orderOf(head) ? "given" : orderOf(head) });
      });
    }
  }

  setView(view: View): void {
    this.view_ = view;
    if (view.place !== "sites" || view.site === "") this.shownSite_ = "";
    for (const head of this.heads_) {
      const name = head.dataset.sort === "name";
      head.closest("th")!.setAttribute("aria-sort", view.sort !== orderOf(head) ? "none" : name ? "ascending" : "descending");
    }
  }

  refresh(now_ms: number): void {
    const { sites } = this.model_;
    const wrong = sites.filter((site) => troubles(site).length > 0).length;
    const silent = sites.filter((site) => site.health === "silent" || site.health === "never").length;
    setText(this.summary_, sites.length === 0 ? "No site is known yet."
      : `${sites.length} sites; ${silent === 0 ? "all agents are heard" : `${silent} not heard`}; ${wrong === 0 ? "all measure well" : `${wrong} with a remark`}.`);
    showChildren(this.body_, sortedSites(sites, this.view_?.sort ?? "given").map((site) => rowOf(this.model_, site, now_ms, site.name === this.view_?.site)));
    const found = this.body_.querySelector(".found");
    if (!found || this.shownSite_ === this.view_?.site) return;
    this.shownSite_ = this.view_?.site ?? "";
    found.scrollIntoView({ block: "center" });
  }

  tick(now_ms: number): void {
    this.refresh(now_ms);
  }
}
