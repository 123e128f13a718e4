// What the page knows of the mesh at the moment: the newest matrix, kept up to date by deltas; the sites; the incidents.
import { Grid } from "./grid";
import type { Incident } from "./incidents";
import type { Site, SitesAnswer } from "./sites_model";
import type { Cell, Link, MatrixAnswer } from "./types";

const nothing: MatrixAnswer = {
  mesh: "", metric: "", stat: "", unit: "s", window_s: 0, at: "", sites: [],
  value: new Float64Array(), count: new Float64Array(), age_s: new Float64Array(), state: new Uint8Array(),
};

export class MeshModel {
  mesh = "";
  grid = new Grid(nothing, 0);
  /** What is shown is of the past: ages stand still. */
  past = false;
  sites: Site[] = [];
  incidents: Incident[] = [];
  updatedAt: Date | null = null;
  /** The coordinator's clock less this machine's, so that ages do not depend on the reader's clock. */
  private ahead_ms_ = 0;
  private shape_ = "";
  private health_ = new Map<string, Site>();
  private marked_ = new Set<string>();

  replace(answer: MatrixAnswer, now_ms: number, past: boolean): void {
    this.mesh = answer.mesh;
    this.past = past;
    this.grid = new Grid(answer, now_ms);
    this.updatedAt = new Date(now_ms);
  }

  merge(cells: readonly Cell[], now_ms: number): number[] {
    this.updatedAt = new Date(now_ms);
    return this.grid.merge(cells, now_ms);
  }

  /** Whether other sites, places or groups are known than before; what agents say of themselves always changes. */
  setSites(answer: SitesAnswer, now_ms: number): boolean {
    const shape = JSON.stringify(answer.sites.map(({ name, location, groups }) => [name, location, groups]));
    const isNew = shape !== this.shape_;
    this.shape_ = shape;
    this.sites = answer.sites;
    this.health_ = new Map(answer.sites.map((site) => [site.name, site]));
    this.ahead_ms_ = answer.at_ms - now_ms;
    this.updatedAt = new Date(now_ms);
    return isNew;
  }

  /** Whether they are other ones than before. */
  setIncidents(incidents: Incident[]): boolean {
    const isNew = JSON.stringify(incidents) !== JSON.stringify(this.incidents);
    this.incidents = incidents;
    this.marked_ = new Set(incidents.filter((incident) => incident.open)
      .flatMap((incident) => incident.links.map((link) => `${link.from}\n${link.to}`)));
    return isNew;
  }

  /** Whether an open incident explains this link. */
  isMarked(from: string, to: string): boolean {
    return this.marked_.size > 0 && this.marked_.has(`${from}\n${to}`);
  }

  incidentsOf(link: Link): Incident[] {
    return this.incidents.filter((incident) => incident.links.some((one) =>
      (one.from === link.from && one.to === link.to) || (one.from === link.to && one.to === link.from)));
  }

  /** The coordinator's time. */
  now_ms(here_ms: number): number {
    return here_ms + this.ahead_ms_;
  }

  heardAgo_s(site: Site, now_ms: number): number | null {
    return site.lastHeard_ms === null ? null : Math.max(0, (now_ms + this.ahead_ms_ - site.lastHeard_ms) / 1000);
  }

  cell(from: string, to: string): Cell | undefined {
    return this.grid.cell(from, to);
  }

  /** Seconds; it goes on while nothing new arrives, unless the matrix is of the past. */
  ageAt(i: number, now_ms: number): number | null {
    return this.grid.age(i, this.past ? this.grid.received_ms : now_ms);
  }

  age(from: string, to: string, now_ms: number): number | null {
    const { grid } = this;
    const a = grid.siteIndex(from);
    const b = grid.siteIndex(to);
    return a < 0 || b < 0 ? null : this.ageAt(a * grid.n + b, now_ms);
  }

  health(name: string): Site | undefined {
    return this.health_.get(name);
  }
}
