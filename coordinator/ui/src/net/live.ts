// Follows the coordinator: one event stream, a full matrix after each (re)connection, and polling where the stream
// does not come through. What arrives is handed on; nothing is drawn here.
import type { Cell, MatrixAnswer } from "../model/types";
import type { View } from "../model/view_state";
import { cellQuery, getIncidents, getMatrix, getSites, isTimeout, Refused } from "./api";

export type Connection = "connecting" | "live" | "polling" | "lost";

interface LiveSink {
  onMatrix(answer: MatrixAnswer): void;
  onCells(cells: Cell[]): void;
  onSites(answer: unknown): void;
  onIncidents(answer: unknown): void;
  onConnection(connection: Connection): void;
  onRefused(reason: string): void;
}

const retry_ms = 3000;
/** An answer asked for that short before is as good as a new one, for a moment. */
const fresh_ms = 2000;
const poll_ms = 5000;
/** Values also change because results leave the window, and of that no event tells. */
const full_reload_ms = 15000;
const full_reload_large_ms = 60000;
const large_mesh_cells = 2500;
/** The coordinator sends its sites at least every 10 s. First ask whether it is there, then open the stream again. */
const silence_ms = 12000;
const deaf_ms = 25000;

export class Live {
  private source_: EventSource | null = null;
  private view_: View | null = null;
  private streaming_ = false;
  private retryTimer_ = 0;
  private heardAt_ = 0;
  private reload_ms_ = full_reload_ms;
  private loadedAt_ = 0;
  private loading_ = false;
  /** Something happened while an answer was under way, which may be too old for it. */
  private again_ = false;
  private streamFailed_ = false;
  private loadedPast_: string | null = null;
  /** Answers to an older choice are dropped. */
  private turn_ = 0;
  /** Of the load under way; a large matrix that nobody waits for any more would hold up what is asked next. */
  private cancel_ = new AbortController();

  constructor(private readonly sink_: LiveSink) {
    window.setInterval(() => this.check(), 1000);
    window.addEventListener("online", () => this.reconnect());
    window.addEventListener("offline", () => void this.load()); // the stream would go on waiting for long
  }

  /** `restart`: another metric, statistic or window, of which the stream must tell. */
  follow(view: View, restart: boolean): void {
    this.view_ = view;
    this.turn_ += 1;
    this.cancel_.abort();
    this.loading_ = false;
    this.loadedPast_ = null;
    if (!restart && this.streaming_) {
      void this.load();
      return;
    }
    void this.load(); // before the stream: the coordinator answers one question after the other
    this.reconnect();
  }

  private reconnect(): void {
    if (!this.view_) return;
    window.clearTimeout(this.retryTimer_);
    this.source_?.close();
    this.streaming_ = false;
    const source = new EventSource(`/api/v1/events?${new URLSearchParams(cellQuery(this.view_)).toString()}`);
    this.source_ = source;
    source.addEventListener("open", () => this.onOpen());
    source.addEventListener("error", () => this.onStreamError(source));
    source.addEventListener("sites", (event) => this.onSites(event));
    source.addEventListener("cells", (event) => this.onCells(event));
    source.addEventListener("incidents", (event: MessageEvent<string>) => this.sink_.onIncidents(JSON.parse(event.data)));
  }

  private onOpen(): void {
    this.streaming_ = true;
    this.streamFailed_ = false;
    this.heardAt_ = Date.now();
    if (!this.view_ || Date.now() - this.loadedAt_ > fresh_ms) {
      void this.load();
      return;
    }
    // A matrix that was asked for just before the stream stood may lack what happened in between.
    if (!this.loading_) this.sink_.onConnection("live");
    const turn = this.turn_;
    window.setTimeout(() => {
      if (turn === this.turn_ && this.streaming_) void this.load();
    }, fresh_ms);
  }

  private onStreamError(source: EventSource): void {
    source.close();
    if (source !== this.source_) return;
    this.streaming_ = false;
    this.streamFailed_ = true;
    void this.load();
    this.retryTimer_ = window.setTimeout(() => this.reconnect(), retry_ms);
  }

  private onSites(event: MessageEvent<string>): void {
    this.heardAt_ = Date.now();
    this.sink_.onSites(JSON.parse(event.data));
  }

  private onCells(event: MessageEvent<string>): void {
    this.heardAt_ = Date.now();
    const { metric, stat, cells } = JSON.parse(event.data) as { metric: string; stat: string; cells: Cell[] };
    const wanted = metric === this.view_?.metric.name && stat === this.view_.stat && this.view_.at === null;
    if (wanted) this.sink_.onCells(cells);
  }

  private check(): void {
    const now = Date.now();
    if (this.streaming_ && now - this.heardAt_ > deaf_ms) this.reconnect();
    const quiet = !this.streaming_ || now - this.heardAt_ > silence_ms;
    const due = now - this.loadedAt_ > (quiet ? poll_ms : this.reload_ms_);
    if (due && !document.hidden) void this.load();
  }

  private async load(): Promise<void> {
    this.again_ = this.loading_;
    if (this.loading_ || !this.view_) return;
    this.loading_ = true;
    const turn = this.turn_;
    this.loadedAt_ = Date.now();
    const past = this.view_.at;
    const cancel = new AbortController();
    this.cancel_ = cancel;
    /** Each is shown as it comes: the matrix does not wait for the rest. */
    const shown = async <Answer>(question: Promise<Answer>, show: (answer: Answer) => void): Promise<void> => {
      const answer = await question;
      if (turn === this.turn_ && !cancel.signal.aborted) show(answer);
    };
    const matrix = this.isLoaded(past) ? Promise.resolve(null) : getMatrix(this.view_, past, cancel.signal);
    const failed: unknown = await Promise.all([
      shown(matrix, (answer) => answer && this.onMatrix(answer, past)),
      shown(getSites(), (answer) => this.sink_.onSites(answer)),
      shown(getIncidents(), (answer) => this.sink_.onIncidents(answer)),
    ]).then(() => null, (error: unknown) => error ?? new Error("no answer"));
    if (turn !== this.turn_) return;
    this.loading_ = false;
    if (failed === null) this.sink_.onConnection(this.streaming_ ? "live" : this.streamFailed_ ? "polling" : "connecting");
    else {
      cancel.abort();
      this.onFailed(failed);
    }
    if (this.again_) void this.load();
  }

  /** The past does not change. */
  private isLoaded(past: string | null): boolean {
    return past !== null && past === this.loadedPast_;
  }

  private onMatrix(matrix: MatrixAnswer, past: string | null): void {
    const cells = matrix.sites.length ** 2;
    this.reload_ms_ = cells > large_mesh_cells ? full_reload_large_ms : full_reload_ms;
    this.loadedPast_ = past;
    this.sink_.onMatrix(matrix);
  }

  private onFailed(error: unknown): void {
    if (error instanceof Refused) {
      this.sink_.onRefused(error.message);
      return;
    }
    // The stream was heard a moment ago: the coordinator is there, and has much to do. check() asks again.
    if (isTimeout(error) && this.streaming_ && Date.now() - this.heardAt_ < silence_ms) {
      this.loadedAt_ = Date.now() - this.reload_ms_ + poll_ms;
      return;
    }
    this.sink_.onConnection("lost");
    if (!this.streaming_) return;
    this.streaming_ = false;
    this.streamFailed_ = true;
    this.source_?.close();
    this.retryTimer_ = window.setTimeout(() => this.reconnect(), retry_ms);
  }
}
