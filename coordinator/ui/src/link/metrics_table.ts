// Every metric in both directions, side by side.
import { element } from "../dom";
import { age as ageText, inWords, signedWords } from "../model/format";
import type { LinkAnswer } from "../model/link_model";
import { metrics, type Metric } from "../model/metrics";
import { stateTexts } from "../model/states";
import type { Cell } from "../model/types";

function valueCell(metric: Metric, cell: Cell | undefined): HTMLElement {
  if (!cell) return element("td", { "data-state": "none" }, "–");
  const node = element("td", { "data-state": cell.state });
  node.append(element("span", { class: "value" }, inWords(cell.value, metric.unit)));
  const notes: string[] = [];
  if (cell.state !== "ok") notes.push(stateTexts[cell.state].label);
  if (cell.value !== null && cell.age_s !== null) notes.push(`${ageText(cell.age_s)} ago`);
  if (cell.few === true && cell.value !== null) notes.push("few");
  if (cell.error_s !== null && cell.error_s !== undefined) notes.push(`± ${inWords(cell.error_s, "s")}`);
  node.append(element("span", { class: "note" }, notes.join(" · ")));
  return node;
}

function asymmetryCell(metric: Metric, answer: LinkAnswer): HTMLElement {
  const one = answer.asymmetry.get(metric.name);
  return element("td", {}, one === undefined ? "" : signedWords(one, metric.unit));
}

export function metricRows(answer: LinkAnswer): HTMLElement[] {
  return ["Latency", "Connect", "Throughput"].flatMap((group) => {
    const measured = metrics.filter((metric) => metric.group === group &&
      [answer.there, answer.back].some((cells) => (cells.get(metric.name)?.state ?? "none") !== "none"));
    if (measured.length === 0) return [];
    const title = element("tr", { class: "group" }, element("th", { scope: "rowgroup", colspan: "4" }, group));
    return [title, ...measured.map((metric) => element("tr", { "data-metric": metric.name },
      element("th", { scope: "row" }, metric.label),
      valueCell(metric, answer.there.get(metric.name)), valueCell(metric, answer.back.get(metric.name)),
      asymmetryCell(metric, answer)))];
  });
}

/** What the sites' places say: how far apart, and how near to light. */
export function distanceWords(answer: LinkAnswer): string {
  if (answer.distance_m === null) return "";
  const km = `The sites are ${Math.round(answer.distance_m / 1000)} km apart.`;
  if (answer.fibre_rtt_s === null || answer.fibre_rtt_s < 1e-6) return km;
  const light = ` Light in fibre would need ${inWords(answer.fibre_rtt_s, "s")} there and back`;
  return answer.rtt_min_s === null ? `${km}${light}.`
    : `${km}${light}; the least round trip is ${inWords(answer.rtt_min_s, "s")}, ${(answer.rtt_min_s / answer.fibre_rtt_s).toFixed(1)} times that.`;
}
