// Through the history: a slider over the last hours or days, play, back to now, and the other instant of a difference.
import { byId, option, setText } from "../dom";
import { dayTime } from "../model/format";
import { duration_ms, spans, thanInstant, thans, type View } from "../model/view_state";

const steps = 240;
const play_ms = 900;
const spanTexts: Record<(typeof spans)[number], string> = { "6h": "6 hours", "24h": "24 hours", "7d": "7 days", "28d": "28 days" };
const thanTexts: Record<(typeof thans)[number], string> = { "1h": "1 hour before", "24h": "24 hours before", "7d": "7 days before" };

export class TimeBar {
  private readonly slider_ = byId("instant", HTMLInputElement);
  private readonly text_ = byId("instant-text", HTMLElement);
  private readonly play_ = byId("play", HTMLButtonElement);
  private readonly live_ = byId("to-now", HTMLButtonElement);
  private readonly span_ = byId("span", HTMLSelectElement);
  private readonly than_ = byId("than", HTMLSelectElement);
  private readonly thanBox_ = byId("than-box", HTMLElement);
  private readonly pin_ = byId("pin", HTMLButtonElement);
  private timer_ = 0;
  private slide_ = 0;
  private shown_ = "";

  /** `now_ms`: the coordinator's time. */
  constructor(private view_: View, private readonly now_ms_: () => number, private readonly onChange_: (view: View) => void) {
    this.slider_.max = String(steps);
    this.slider_.addEventListener("input", () => this.onSlide());
    this.play_.addEventListener("click", () => (this.timer_ === 0 ? this.start() : this.stop()));
    this.live_.addEventListener("click", () => this.go(null));
    this.span_.addEventListener("change", () => onChange_({ ...this.view_, span: spans.find((span) => span === this.span_.value) ?? "24h" }));
    this.than_.addEventListener("change", () => onChange_({ ...this.view_, than: this.than_.value, layer: "difference" }));
    this.pin_.addEventListener("click", () => onChange_({ ...this.view_, than: this.instant(), layer: "difference" }));
    this.show(view_);
  }

  show(view: View): void {
    this.view_ = view;
    const at_ms = view.at === null ? null : Date.parse(view.at);
    this.slider_.value = String(at_ms === null ? steps : this.stepOf(at_ms));
    setText(this.text_, at_ms === null ? "now" : dayTime(at_ms));
    this.slider_.setAttribute("aria-valuetext", at_ms === null ? "now" : dayTime(at_ms));
    this.text_.dataset.past = String(at_ms !== null);
    this.live_.disabled = at_ms === null;
    this.thanBox_.hidden = view.layer !== "difference";
    const key = `${view.span} ${view.than}`;
    if (key === this.shown_) return;
    this.shown_ = key;
    this.span_.replaceChildren(...spans.map((span) => option(span, spanTexts[span], span === view.span)));
    const pinned = (thans as readonly string[]).includes(view.than) ? [] : [option(view.than, dayTime(Date.parse(view.than)), true)];
    this.than_.replaceChildren(...thans.map((than) => option(than, thanTexts[than], than === view.than)), ...pinned);
  }

  get playing(): boolean {
    return this.timer_ !== 0;
  }

  private instant(): string {
    return this.view_.at ?? new Date(Math.floor(this.now_ms_() / 60000) * 60000).toISOString();
  }

  private stepOf(at_ms: number): number {
    return Math.max(0, Math.min(steps - 1, Math.round(steps * (1 - (this.now_ms_() - at_ms) / duration_ms(this.view_.span)))));
  }

  private go(step: number | null): void {
    const at_ms = step === null || step >= steps ? null : this.now_ms_() - duration_ms(this.view_.span) * (1 - step / steps);
    const minute = at_ms === null ? null : new Date(Math.floor(at_ms / 60000) * 60000).toISOString();
    this.onChange_({ ...this.view_, at: minute });
  }

  private onSlide(): void {
    this.stop();
    window.clearTimeout(this.slide_);
    const step = Number(this.slider_.value);
    this.slide_ = window.setTimeout(() => this.go(step), 120);
  }

  private start(): void {
    if (this.view_.at === null) this.go(0);
    this.timer_ = window.setInterval(() => this.advance(), play_ms);
    this.play_.setAttribute("aria-pressed", "true");
    setText(this.play_, "❚❚");
  }

  private stop(): void {
    window.clearInterval(this.timer_);
    this.timer_ = 0;
    this.play_.setAttribute("aria-pressed", "false");
    setText(this.play_, "▶");
  }

  private advance(): void {
    if (this.view_.at === null) {
      this.stop();
      return;
    }
    this.go(this.stepOf(Date.parse(this.view_.at)) + 4);
  }

  /** In words: what a difference compares. */
  comparison(): string {
    return `${this.view_.at === null ? "now" : dayTime(Date.parse(this.view_.at))} against ${dayTime(Date.parse(thanInstant(this.view_, this.now_ms_())))}`;
  }
}
