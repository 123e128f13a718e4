// Silence and acknowledge, for who has a token: one form for all incidents, and what is silenced.
import { element, option, setText, showChildren } from "../dom";
import { dayTime } from "../model/format";
import type { Incident } from "../model/incidents";
import { matchersOf, readSilences, type Silence } from "../model/silences";
import { deleteAcknowledgement, deleteSilence, getSilences, postAcknowledgement, postSilence, Refused } from "../net/api";
import { keepToken, keptToken } from "../net/token";

const lengths: readonly [string, string][] = [["30m", "30 min"], ["2h", "2 h"], ["8h", "8 h"], ["1d", "1 day"], ["7d", "7 days"]];

function field(label: string, input: HTMLElement): HTMLElement {
  return element("label", { class: "inline" }, `${label} `, input);
}

export class QuietForm {
  private readonly token_ = element("input", { type: "password", autocomplete: "off", id: "quiet-token" });
  private readonly author_ = element("input", { type: "text", id: "quiet-author", maxlength: "100", size: "10" });
  private readonly reason_ = element("input", { type: "text", id: "quiet-reason", maxlength: "1000", size: "28" });
  private readonly length_ = element("select", { id: "quiet-length" }, ...lengths.map(([value, label], i) => option(value, label, i === 1)));
  private readonly said_ = element("p", { id: "quiet-said", "aria-live": "polite" });
  private readonly silences_ = element("ul", { id: "silences" });
  readonly section: HTMLElement;

  constructor(private readonly onChange_: () => void) {
    this.token_.value = keptToken();
    this.token_.addEventListener("input", () => this.onChange_());
    this.section = element("section", { class: "quiet", "aria-labelledby": "quiet-title" },
      element("h3", { id: "quiet-title" }, "Silence and acknowledge"),
      element("div", { class: "row" }, field("Token", this.token_), field("Your name", this.author_), field("Reason", this.reason_), field("Silence for", this.length_)),
      element("p", { class: "dim" }, "Incidents stay in sight; only their notices are held. The token is one of the coordinator's, and stays in this tab."),
      this.said_, this.silences_);
  }

  /** The buttons of one incident. */
  actions(incident: Incident): HTMLElement | null {
    if (!incident.open) return null;
    const matchers = matchersOf(incident);
    const button = (name: string, label: string, act: () => Promise<unknown>): HTMLButtonElement => {
      const node = element("button", { type: "button", "data-act": name }, label);
      node.disabled = this.token_.value === "";
      node.addEventListener("click", () => void this.run(label, act));
      return node;
    };
    const said = { author: this.author_, reason: this.reason_ };
    const body = (): Record<string, string> => Object.fromEntries(
      Object.entries(said).map(([key, input]) => [key, input.value.trim()]).filter(([, value]) => value !== ""));
    const acknowledge = incident.acknowledged
      ? button("withdraw", "Take the acknowledgement back", () => deleteAcknowledgement(incident.id, this.token_.value))
      : button("acknowledge", "Acknowledge", () => postAcknowledgement(incident.id, body(), this.token_.value));
    const silence = button("silence", "Silence its place",
      () => postSilence({ ...body(), matchers, duration: this.length_.value }, this.token_.value));
    return element("p", { class: "row actions" }, acknowledge, ...(matchers ? [silence] : []));
  }

  private async run(label: string, act: () => Promise<unknown>): Promise<void> {
    keepToken(this.token_.value);
    setText(this.said_, "");
    try {
      await act();
      setText(this.said_, `${label}: done.`);
      this.load();
    } catch (error) {
      setText(this.said_, `${label}: ${error instanceof Refused ? error.message : "the coordinator does not answer."}`);
    }
  }

  /** Asks anew what is silenced. */
  load(): void {
    void getSilences().then((answer) => this.show(readSilences(answer)), () => undefined);
  }

  private show(silences: readonly Silence[]): void {
    showChildren(this.silences_, silences.map((silence) => {
      const when = `${silence.state === "pending" && silence.starts_ms !== null ? `from ${dayTime(silence.starts_ms)} ` : ""}until ${silence.ends_ms === null ? "?" : dayTime(silence.ends_ms)}`;
      const words = `${silence.window === "" ? "Silence" : `Maintenance window ${silence.window}`}: ${silence.means}, ${when}, ${silence.author}: ${silence.reason}`;
      return element("li", { "data-id": silence.id }, element("span", {}, words));
    }));
    silences.forEach((silence, i) => {
      if (silence.id === "") return;
      const end = element("button", { type: "button", "data-act": "end" }, "End");
      end.disabled = this.token_.value === "";
      end.addEventListener("click", () => void this.run("End", () => deleteSilence(silence.id, this.token_.value)));
      this.silences_.children[i]!.append(" ", end);
    });
  }
}
