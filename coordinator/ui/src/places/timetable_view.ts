// The timetable: what runs now and next, the whole interval as a picture, how busy sites and uplinks are, and the audit.
import { byId, element, setText, showChildren } from "../dom";
import { readTheme, watchTheme } from "../matrix/theme";
import { age, clockTime, count, inWords } from "../model/format";
import type { MeshModel } from "../model/mesh_model";
import { readAudit, readTimetable, turnsAt, type Audit, type Timetable, type Turn, type Usage } from "../model/timetable_model";
import { getAudit, getTimetable, Refused } from "../net/api";

const plan_ms = 30000;
const audit_ms = 60000;
const coming_shown = 12;
const left = 130;

function every(seconds: number): string {
  return seconds >= 3600 ? `${Number((seconds / 3600).toFixed(2))} h` : seconds >= 60 ? `${Number((seconds / 60).toFixed(1))} min` : `${seconds} s`;
}

function policyWords(plan: Timetable): string {
  const parts = [
    plan.latency ? `latency: ${plan.latency.rate_per_s} probes a second on each link, all the time` : "no latency probes",
    plan.connect_every_s === null ? "no connects" : `a connect every ${every(plan.connect_every_s)}`,
    plan.slots.length === 0 ? "no throughput runs" : `${count(plan.slots.length)} throughput runs in ${plan.rounds} rounds every ${every(plan.every_s)}`,
  ];
  return `${parts.join("; ")}. Generation ${plan.generation}.`;
}

function auditRows(audit: Audit): [string, string, boolean][] {
  return [
    ["runs that started", count(audit.runs), false],
    ["overlaps", audit.overlaps === null ? "–" : count(audit.overlaps), (audit.overlaps ?? 0) > 0],
    ["missed: busy, skipped, unreported", `${audit.busy}, ${audit.skipped}, ${audit.unreported}`, audit.missed > 0],
    ["start error p50 / p99 / most", [audit.start_p50_s, audit.start_p99_s, audit.start_max_s].map((value) => inWords(value, "s")).join(" / "), false],
    ["clocks known to", audit.clock_error_s === null ? "–" : `± ${inWords(audit.clock_error_s, "s")}`, false],
  ];
}

function bar(share: number | null, kind: string): HTMLElement {
  const inner = element("span", { class: `fill ${kind}` });
  inner.style.width = `${Math.min(100, 100 * (share ?? 0))}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, inner);
}

function usageRow(usage: Usage, uplink: boolean): HTMLElement {
  return element("tr", {},
    element("th", { scope: "row" }, uplink ? `uplink ${usage.name}` : usage.name),
    element("td", {}, bar(usage.measured, "measured"), inWords(usage.measured, "ratio")),
    element("td", {}, bar(usage.planned, "planned"), inWords(usage.planned, "ratio")));
}

export class TimetableView {
  private readonly policy_ = byId("timetable-policy", HTMLElement);
  private readonly running_ = byId("running", HTMLElement);
  private readonly coming_ = byId("coming", HTMLElement);
  private readonly canvas_ = byId("gantt", HTMLCanvasElement);
  private readonly audit_ = byId("audit-body", HTMLTableSectionElement);
  private readonly usage_ = byId("usage-body", HTMLTableSectionElement);
  private plan_: Timetable | null = null;
  private askedPlan_ms_ = 0;
  private askedAudit_ms_ = 0;

  constructor(private readonly model_: MeshModel) {
    new ResizeObserver(() => this.drawPlan()).observe(this.canvas_.parentElement!);
    watchTheme(() => this.drawPlan());
  }

  refresh(now_ms: number): void {
    if (now_ms - this.askedPlan_ms_ > plan_ms) void this.loadPlan(now_ms);
    if (now_ms - this.askedAudit_ms_ > audit_ms) void this.loadAudit(now_ms);
    this.showTurns();
  }

  tick(now_ms: number): void {
    this.refresh(now_ms);
    this.drawPlan();
  }

  private async loadPlan(now_ms: number): Promise<void> {
    this.askedPlan_ms_ = now_ms;
    try {
      this.plan_ = readTimetable(await getTimetable());
      setText(this.policy_, policyWords(this.plan_));
      this.showTurns();
      this.drawPlan();
    } catch (error) {
      setText(this.policy_, error instanceof Refused ? error.message : "The coordinator does not answer; retrying.");
    }
  }

  private async loadAudit(now_ms: number): Promise<void> {
    this.askedAudit_ms_ = now_ms;
    try {
      const audit = readAudit(await getAudit({ window: "24h" }));
      showChildren(this.audit_, auditRows(audit).map(([what, figure, bad]) =>
        element("tr", bad ? { class: "bad" } : {}, element("th", { scope: "row" }, what), element("td", {}, bad ? `▲ ${figure}` : figure))));
      const busiest = (a: Usage, b: Usage): number => (b.planned ?? 0) - (a.planned ?? 0);
      showChildren(this.usage_, [...audit.uplinks.sort(busiest).map((one) => usageRow(one, true)), ...audit.sites.sort(busiest).map((one) => usageRow(one, false))]);
    } catch {
      this.audit_.replaceChildren(element("tr", {}, element("td", {}, "The audit cannot be had now.")));
    }
  }

  private showTurns(): void {
    if (!this.plan_) return;
    const now = this.model_.now_ms(Date.now());
    const { running, coming } = turnsAt(this.plan_, now, coming_shown);
    const item = (turn: Turn, when: string): HTMLElement =>
      element("li", {}, element("strong", {}, `${turn.slot.from} → ${turn.slot.to}`), ` ${when}`);
    showChildren(this.running_, running.length === 0 ? [element("li", { class: "dim" }, "No throughput run is under way.")]
      : running.map((turn) => item(turn, `until ${clockTime(new Date(turn.ends_ms))}`)));
    showChildren(this.coming_, coming.length === 0 ? [element("li", { class: "dim" }, "None is planned.")]
      : coming.map((turn) => item(turn, `at ${clockTime(new Date(turn.starts_ms))}, in ${age((turn.starts_ms - now) / 1000)}`)));
  }

  /** Each site a line, each slot a bar from its sender (full) and its receiver (light); a line for now. */
  private drawPlan(): void {
    const width = this.canvas_.clientWidth;
    const plan = this.plan_;
    if (width === 0 || !plan) return;
    const names = this.model_.sites.map((site) => site.name).filter((name) => plan.slots.some((slot) => slot.from === name || slot.to === name));
    const line = Math.max(2, Math.min(20, Math.floor(520 / Math.max(1, names.length))));
    const height = Math.max(40, names.length * line + 22);
    const ratio = window.devicePixelRatio || 1;
    this.canvas_.style.height = `${height}px`;
    this.canvas_.width = Math.round(width * ratio);
    this.canvas_.height = Math.round(height * ratio);
    const c = this.canvas_.getContext("2d")!;
    c.scale(ratio, ratio);
    const theme = readTheme();
    c.font = `11px ${theme.font}`;
    c.textBaseline = "middle";
    const x = (second: number): number => left + (second / plan.every_s) * (width - left);
    const rows = new Map(names.map((name, i) => [name, i * line]));
    for (const slot of plan.slots) {
      for (const [name, colour] of [[slot.from, theme.there], [slot.to, theme.back]] as const) {
        c.fillStyle = colour;
        c.fillRect(x(slot.start_s), (rows.get(name) ?? 0) + 0.5, Math.max(1, x(slot.start_s + slot.length_s) - x(slot.start_s)), Math.max(1, line - 1));
      }
    }
    c.fillStyle = theme.ink;
    if (line >= 9) for (const [name, y] of rows) c.fillText(name.length > 20 ? `${name.slice(0, 19)}…` : name, 0, y + line / 2);
    const now_s = ((((this.model_.now_ms(Date.now()) - plan.epoch_ms) / 1000) % plan.every_s) + plan.every_s) % plan.every_s;
    c.fillRect(x(now_s), 0, 1.5, names.length * line);
    c.fillStyle = theme.muted;
    c.fillText("0", left, height - 9);
    c.textAlign = "right";
    c.fillText(every(plan.every_s), width, height - 9);
    this.canvas_.setAttribute("aria-label", `The throughput runs of one interval of ${every(plan.every_s)}: ${plan.slots.length} slots of ${names.length} sites`);
  }
}
