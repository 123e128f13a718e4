// What the page knows of the mesh at the moment: the newest matrix, kept up to date by deltas.
import { isKnownState } from "./states";
import type { Site, SitesAnswer } from "./sites_model";
import type { Cell, MatrixAnswer, Unit } from "./types";

function keyOf(from: string, to: string): string {
  return `${from}\n${to}`;
}

export class Model {
  mesh = "";
  unit: Unit = "s";
  /** Columns; rows are those of them that have an agent. */
  columns: string[] = [];
  rows: string[] = [];
  sites: Site[] = [];
  /** The coordinator's clock less this machine's, so that ages do not depend on the reader's clock. */
  private ahead_ms_ = 0;
  updatedAt: Date | null = null;
  private cells_ = new Map<string, { cell: Cell; received_ms: number }>();

  replace(answer: MatrixAnswer, now_ms: number): void {
    this.mesh = answer.mesh;
    this.unit = answer.unit;
    this.columns = answer.sites;
    this.cells_.clear();
    this.merge(answer.cells, now_ms);
    const senders = new Set(answer.cells.map((cell) => cell.from));
    this.rows = answer.sites.filter((site) => senders.has(site));
  }

  merge(cells: Cell[], now_ms: number): void {
    for (const cell of cells) {
      const state = isKnownState(cell.state) ? cell.state : "never";
      this.cells_.set(keyOf(cell.from, cell.to), { cell: { ...cell, state }, received_ms: now_ms });
    }
    this.updatedAt = new Date(now_ms);
  }

  setSites(answer: SitesAnswer, now_ms: number): void {
    this.sites = answer.sites;
    this.ahead_ms_ = answer.at_ms - now_ms;
    this.updatedAt = new Date(now_ms);
  }

  heardAgo_s(site: Site, now_ms: number): number | null {
    return site.lastHeard_ms === null ? null : Math.max(0, (now_ms + this.ahead_ms_ - site.lastHeard_ms) / 1000);
  }

  cell(from: string, to: string): Cell | undefined {
    return this.cells_.get(keyOf(from, to))?.cell;
  }

  /** The age goes on while nothing new arrives. */
  age(from: string, to: string, now_ms: number): number | null {
    const entry = this.cells_.get(keyOf(from, to));
    if (!entry || entry.cell.age_s === null) return null;
    return entry.cell.age_s + (now_ms - entry.received_ms) / 1000;
  }

  everMeasured(): boolean {
    return [...this.cells_.values()].some(({ cell }) => cell.state !== "never" && cell.state !== "none");
  }

  health(name: string): Site | undefined {
    return this.sites.find((site) => site.name === name);
  }
}
