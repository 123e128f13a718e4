// The sites below the matrix: who is heard, with which version, clock and spool.
import { element, showChildren } from "./dom";
import { age, count, inWords } from "./format";
import type { Model } from "./model";
import type { Health, Site } from "./sites_model";

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

function rowOf(model: Model, site: Site, now_ms: number): HTMLElement {
  const ago = model.heardAgo_s(site, now_ms);
  const hasAgent = site.health !== "no_agent";
  const state = element("td", { class: "health", "data-health": site.health },
    element("span", { class: "mark" }), healthTexts[site.health]);
  const cell = (text: string, kind = ""): HTMLElement => element("td", kind === "" ? {} : { class: kind }, text);
  return element("tr", {},
    element("th", { scope: "row" }, site.name),
    state,
    cell(!hasAgent ? "–" : ago === null ? "never" : `${age(ago)} ago`),
    cell(site.version || "–"),
    cell(hasAgent ? clockOf(site) : "–", site.clockOffset_s === null ? "dim" : ""),
    cell(hasAgent ? spoolOf(site) : "–"),
    cell(site.results === null ? "–" : count(site.results), "number"));
}

export function drawSites(body: HTMLElement, model: Model, now_ms: number): void {
  showChildren(body, model.sites.map((site) => rowOf(model, site, now_ms)));
}
