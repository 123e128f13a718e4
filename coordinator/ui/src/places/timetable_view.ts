// The timetable: what runs now and next, the whole interval as a picture, how busy sites and uplinks are, and the audit.
import { byId, element, setText, showChildren } from "../dom";
import { readTheme, watchTheme, type Theme } from "../matrix/theme";
import { age, clockTime, count, inWords } from "../model/format";
import type { MeshModel } from "../model/mesh_model";
import { readAudit, readTimetable, turnsAt, type Audit, type Timetable, type Turn, type Usage } from "../model/timetable_model";
import type { View } from "../model/view_state";
import { getAudit, getTimetable, Refused } from "../net/api";

const plan_ms = 30000;
const audit_ms = 60000;
const turns_shown = 10;
const left = 130;
/** The timetable of a larger mesh has hundreds of thousands of slots: it is shown for one site at a time. */
const most_sites_at_once = 320;

function every(seconds: number): string {
  return seconds >= 3600 ? `${Number((seconds / 3600).toFixed(2))} h` : seconds >= 60 ? `${Number((seconds / 60).toFixed(1))} min` : `${seconds} s`;
}

function policyWords(plan: Timetable, site: string): string {
  const parts = [
    plan.latency ? `latency: ${plan.latency.rate_per_s === 1 ? "one probe" : `${plan.latency.rate_per_s} probes`} a second on each link, all the time` : "no latency probes",
    plan.connect_every_s === null ? "no connects" : `a connect every ${every(plan.connect_every_s)}`,
    plan.slots.length === 0 ? "no throughput runs" : `${count(plan.slots.length)} throughput runs${site === "" ? "" : ` of ${site}`} in ${count(plan.rounds)} rounds every ${every(plan.every_s)}`,
  ];
  return `${parts.join("; ")}. Generation ${plan.generation}.${site === "" ? "" : " The mesh is large: find another site to see its turns."}`;
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
  private readonly section_ = byId("timetable-place", HTMLElement);
  private readonly policy_ = byId("timetable-policy", HTMLElement);
  private readonly running_ = byId("running", HTMLElement);
  private readonly coming_ = byId("coming", HTMLElement);
  private readonly canvas_ = byId("gantt", HTMLCanvasElement);
  private readonly audit_ = byId("audit-body", HTMLTableSectionElement);
  private readonly usage_ = byId("usage-body", HTMLTableSectionElement);
  private audited_ = Promise.resolve();
  private plan_: Timetable | null = null;
  private wanted_ = "";
  private site_ = "";
  private picture_: { key: string; plan: Timetable; canvas: HTMLCanvasElement } | null = null;
  private askedPlan_ms_ = 0;
  private askedAudit_ms_ = 0;

  constructor(private readonly model_: MeshModel) {
    new ResizeObserver(() => this.drawPlan()).observe(this.canvas_.parentElement!);
    watchTheme(() => this.drawPlan());
  }

  setView(view: View): void {
    this.wanted_ = view.site;
  }

  /** The site whose turns are shown; empty: all. */
  private chooseSite(): void {
    const { sites } = this.model_;
    const known = sites.some((site) => site.name === this.wanted_) ? this.wanted_ : "";
    const site = known === "" && sites.length > most_sites_at_once ? sites[0]!.name : known;
    if (site !== this.site_ && sites.length > most_sites_at_once) this.askedPlan_ms_ = 0;
    this.site_ = site;
  }

  refresh(now_ms: number): void {
    if (this.model_.sites.length === 0) return;
    this.chooseSite();
    if (now_ms - this.askedAudit_ms_ > audit_ms) this.audited_ = this.loadAudit(now_ms);
    if (now_ms - this.askedPlan_ms_ > plan_ms) void this.loadPlan(now_ms);
    this.showTurns();
  }

  tick(now_ms: number): void {
    this.refresh(now_ms);
    this.drawPlan();
  }

  private async loadPlan(now_ms: number): Promise<void> {
    this.askedPlan_ms_ = now_ms;
    try {
      const site = this.model_.sites.length > most_sites_at_once ? this.site_ : "";
      const plan = readTimetable(await getTimetable(site));
      if (site !== "" && site !== this.site_) return;
      this.plan_ = plan;
      setText(this.policy_, policyWords(plan, site));
      this.showTurns();
      this.drawPlan();
      await this.audited_;
      this.section_.dataset.complete = "true";
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

  /** Those of the site that was looked for, else of all. */
  private showTurns(): void {
    if (!this.plan_) return;
    const now = this.model_.now_ms(Date.now());
    const { running, coming } = turnsAt(this.plan_, now, turns_shown, this.site_);
    const of = this.site_ === "" ? "" : ` of ${this.site_}`;
    const list = (host: HTMLElement, turns: readonly Turn[], none: string, when: (turn: Turn) => string): void => {
      const items = turns.slice(0, turns_shown).map((turn) => element("li", {}, element("strong", {}, `${turn.slot.from} → ${turn.slot.to}`), ` ${when(turn)}`));
      if (turns.length === 0) items.push(element("li", { class: "dim" }, none));
      if (turns.length > turns_shown) items.push(element("li", { class: "dim" }, `and ${count(turns.length - turns_shown)} more at the same time`));
      showChildren(host, items);
    };
    list(this.running_, running, `No throughput run${of} is under way.`, (turn) => `until ${clockTime(new Date(turn.ends_ms))}`);
    list(this.coming_, coming, `None${of} is planned.`,
      (turn) => `at ${clockTime(new Date(turn.starts_ms))}, in ${age((turn.starts_ms - now) / 1000)}`);
  }

  /** The slots do not change from second to second, only where the line for now stands. */
  private drawPlan(): void {
    const width = this.canvas_.clientWidth;
    const plan = this.plan_;
    if (width === 0 || !plan) return;
    const names = this.namesIn(plan);
    const line = Math.max(2, Math.min(20, Math.floor(520 / Math.max(1, names.length))));
    const height = Math.max(40, names.length * line + 22);
    const ratio = window.devicePixelRatio || 1;
    const theme = readTheme();
    const key = [width, ratio, theme.page, this.site_, ...names].join("\n");
    if (this.picture_?.key !== key || this.picture_.plan !== plan) {
      this.picture_ = { key, plan, canvas: this.drawSlots(plan, names, { width, height, line, ratio }, theme) };
      this.canvas_.style.height = `${height}px`;
      this.canvas_.width = Math.round(width * ratio);
      this.canvas_.height = Math.round(height * ratio);
      this.canvas_.setAttribute("aria-label", `The throughput runs of one interval of ${every(plan.every_s)}: ${plan.slots.length} slots of ${names.length} sites`);
    }
    const c = this.canvas_.getContext("2d")!;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, this.canvas_.width, this.canvas_.height);
    c.drawImage(this.picture_.canvas, 0, 0);
    c.scale(ratio, ratio);
    const now_s = ((((this.model_.now_ms(Date.now()) - plan.epoch_ms) / 1000) % plan.every_s) + plan.every_s) % plan.every_s;
    c.fillStyle = theme.ink;
    c.fillRect(left + (now_s / plan.every_s) * (width - left), 0, 1.5, names.length * line);
  }

  private namesIn(plan: Timetable): string[] {
    const present = new Set(plan.slots.flatMap((slot) => [slot.from, slot.to]));
    return this.model_.sites.map((site) => site.name).filter((name) => present.has(name));
  }

  /** Each site a line, each slot a bar from its sender and its receiver. */
  private drawSlots(plan: Timetable, names: readonly string[], room: { width: number; height: number; line: number; ratio: number }, theme: Theme): HTMLCanvasElement {
    const { width, height, line, ratio } = room;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const c = canvas.getContext("2d")!;
    c.scale(ratio, ratio);
    c.font = `11px ${theme.font}`;
    c.textBaseline = "middle";
    const x = (second: number): number => left + (second / plan.every_s) * (width - left);
    const rows = new Map(names.map((name, i) => [name, i * line]));
    for (const slot of plan.slots) {
      c.globalAlpha = this.site_ === "" || slot.from === this.site_ || slot.to === this.site_ ? 1 : 0.18;
      for (const [name, colour] of [[slot.from, theme.there], [slot.to, theme.back]] as const) {
        c.fillStyle = colour;
        c.fillRect(x(slot.start_s), (rows.get(name) ?? 0) + 0.5, Math.max(1, x(slot.start_s + slot.length_s) - x(slot.start_s)), Math.max(1, line - 1));
      }
    }
    c.globalAlpha = 1;
    c.fillStyle = theme.ink;
    if (line >= 9) for (const [name, y] of rows) c.fillText(name.length > 20 ? `${name.slice(0, 19)}…` : name, 0, y + line / 2);
    c.fillStyle = theme.muted;
    c.fillText("0", left, height - 9);
    c.textAlign = "right";
    c.fillText(every(plan.every_s), width, height - 9);
    return canvas;
  }
}
