// "Measure now": ping, connect, upload and download of one link, for who has a token. It is kept for this tab only.
import { element, setText } from "../dom";
import { demandWords, hasEnded, readDemand, shareDone, type Demand } from "../model/demand";
import type { Link } from "../model/types";
import { getProbe, postProbe, Refused } from "../net/api";
import { keepToken, keptToken } from "../net/token";

const ask_ms = 500;

type Kind = "ping" | "connect" | "upload" | "download";
const kinds: readonly [Kind, string, string][] = [
  ["ping", "Ping", "50 probes there and back"], ["connect", "Connect", "one TCP handshake"],
  ["upload", "Upload", "throughput from → to"], ["download", "Download", "throughput of the way back"],
];

export class MeasureNow {
  private readonly token_ = element("input", { type: "password", autocomplete: "off", id: "token", "aria-describedby": "token-note" });
  private readonly runs_ = element("ul", { class: "demands", "aria-live": "polite" });
  private readonly buttons_ = new Map<Kind, HTMLButtonElement>();
  readonly section: HTMLElement;

  constructor(private readonly link_: () => Link | null, private readonly now_ms_: () => number, private readonly onDone_: () => void) {
    this.token_.value = keptToken();
    this.token_.addEventListener("input", () => this.enable());
    const buttons = kinds.map(([kind, label, title]) => {
      const button = element("button", { type: "button", title, "data-kind": kind }, label);
      button.addEventListener("click", () => void this.run(kind, label));
      this.buttons_.set(kind, button);
      return button;
    });
    this.section = element("section", { class: "measure", "aria-labelledby": "measure-title" },
      element("h3", { id: "measure-title" }, "Measure now"),
      element("div", { class: "row" }, element("label", { class: "inline", for: "token" }, "Token ", this.token_), ...buttons),
      element("p", { id: "token-note", class: "dim" }, "One of the coordinator's tokens; it stays in this tab. Runs keep the timetable's rules, so they may wait."),
      this.runs_);
    this.enable();
  }

  clear(): void {
    this.runs_.replaceChildren();
  }

  private enable(): void {
    for (const button of this.buttons_.values()) button.disabled = this.token_.value === "";
  }

  private async run(kind: Kind, label: string): Promise<void> {
    const link = this.link_();
    if (!link) return;
    keepToken(this.token_.value);
    const way = kind === "download" ? { from: link.to, to: link.from } : link;
    const bar = element("progress", { max: "1", value: "0", "aria-label": `${label} ${way.from} → ${way.to}` });
    const words = element("span", { class: "words" }, "asking");
    const row = element("li", { "data-kind": kind, "data-state": "asking" }, element("strong", {}, `${label} ${way.from} → ${way.to}`), bar, words);
    this.runs_.prepend(row);
    const show = (demand: Demand): void => {
      row.dataset.state = demand.state;
      bar.value = shareDone(demand);
      setText(words, demandWords(demand, this.now_ms_()));
    };
    try {
      const probe = kind === "ping" ? "latency" : kind === "connect" ? "connect" : "throughput";
      let demand = readDemand(await postProbe(way, probe, this.token_.value));
      show(demand);
      while (!hasEnded(demand)) {
        await new Promise((resolve) => window.setTimeout(resolve, ask_ms));
        if (!row.isConnected) return;
        demand = readDemand(await getProbe(demand.id));
        show(demand);
      }
      this.onDone_();
    } catch (error) {
      row.dataset.state = "refused";
      setText(words, error instanceof Refused ? error.message : "The coordinator does not answer.");
    }
  }
}
