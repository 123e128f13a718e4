// The newest results of a link as they are, and where to get them all.
import { element, showChildren } from "../dom";
import { dayTime, inWords } from "../model/format";
import { headline, limitOf, type Run } from "../model/link_data";
import { resultsAddress } from "../net/api";
import type { Link } from "../model/types";

const most_rows = 60;

function rowOf(run: Run): HTMLElement {
  const main = headline(run);
  const remarks = [run.reason, limitOf(run), ...run.tags].filter((word) => word !== "");
  return element("tr", { "data-outcome": run.outcome },
    element("td", {}, dayTime(run.finished_ms)),
    element("td", {}, `${run.from} → ${run.to}`),
    element("td", {}, run.probe),
    element("td", { class: "outcome" }, run.outcome),
    element("td", { class: "number" }, main === null ? "–" : inWords(main.value, main.unit)),
    element("td", {}, remarks.join(", ")));
}

export class RawResults {
  private readonly body_ = element("tbody");
  private readonly note_ = element("p", { class: "dim" });
  readonly section: HTMLElement;

  constructor() {
    const head = ["Finished", "Link", "Probe", "Outcome", "Value", "Remarks"].map((name) => element("th", { scope: "col", ...(name === "Value" ? { class: "number" } : {}) }, name));
    this.section = element("section", { "aria-labelledby": "raw-title" },
      element("h3", { id: "raw-title" }, "Raw results"), this.note_,
      element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Raw results" },
        element("table", { class: "raw" }, element("thead", {}, element("tr", {}, ...head)), this.body_)));
  }

  show(link: Link, runs: readonly Run[], since_ms: number): void {
    const newest = [...runs].sort((a, b) => b.finished_ms - a.finished_ms).slice(0, most_rows);
    showChildren(this.body_, newest.map(rowOf));
    const all = element("a", { href: resultsAddress({ from: link.from, to: link.to, since: new Date(since_ms).toISOString() }) }, "all of them as JSON lines");
    this.note_.replaceChildren(runs.length === 0 ? "No run has ended in this time. " : `The newest ${newest.length} of ${runs.length} runs in both directions; `, all, ".");
  }
}
