// The map: each link as half of a great circle in its colour, from its own end to the middle; sites as text. The coastline
// is bundled (world-atlas, from Natural Earth), nothing is loaded.
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import land from "world-atlas/land-110m.json";
import { byId, element, px, setText, showChildren } from "../dom";
import { readTheme, watchTheme, type Theme } from "../matrix/theme";
import { badnessOfState } from "../model/axis";
import { count, inWords } from "../model/format";
import { greatCircle, type Place } from "../model/geo";
import { judgeFor, type Judge } from "../model/judge";
import type { MeshModel } from "../model/mesh_model";
import { projectionFor, type Projection } from "../model/projection";
import type { Site } from "../model/sites_model";
import { isCurrent, stateTexts } from "../model/states";
import type { Link } from "../model/types";
import type { View } from "../model/view_state";

/** So many links are drawn, the worst ones: more would hide each other. */
const most_arcs = 1500;
/** Beyond this many those that are well step back behind those that are not. */
const many_arcs = 60;
const arc_steps = 24;
const redraw_ms = 2000;

type Located = Site & { location: Place };

function coastline(): Place[][] {
  const topology = land as unknown as Topology<{ land: GeometryCollection }>;
  const shapes = feature(topology, topology.objects.land);
  return shapes.features.flatMap(({ geometry }) => {
    if (geometry.type === "Polygon") return geometry.coordinates;
    return geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
  }).map(unwrapped);
}

/** A ring that goes on across the date line instead of jumping to the other side of the map. */
function unwrapped(ring: readonly number[][]): Place[] {
  let turns = 0;
  let before = ring[0]?.[0] ?? 0;
  return ring.map(([longitude, latitude]) => {
    const here = longitude ?? 0;
    if (here - before > 180) turns -= 360;
    if (here - before < -180) turns += 360;
    before = here;
    return [latitude ?? 0, here + turns] as const;
  });
}

interface Arc extends Link {
  i: number;
  a: Place;
  b: Place;
}

export class MapView {
  private readonly canvas_ = byId("map-canvas", HTMLCanvasElement);
  private readonly names_ = byId("map-names", HTMLElement);
  private readonly note_ = byId("map-note", HTMLElement);
  private readonly links_ = byId("map-links", HTMLElement);
  private coast_: Place[][] | null = null;
  private drawnAt_ms_ = 0;
  private known_ = 0;
  private view_: View | null = null;

  constructor(private readonly model_: MeshModel, private readonly onOpen_: (link: Link) => void, onChoice: (view: View) => void) {
    new ResizeObserver(() => this.draw()).observe(this.canvas_.parentElement!);
    watchTheme(() => this.draw());
    this.names_.addEventListener("click", (event) => {
      const name = event.target instanceof Element ? event.target.closest("button")?.getAttribute("data-site") : null;
      if (name === null || name === undefined || !this.view_) return;
      onChoice({ ...this.view_, site: this.chosen_ === name ? "" : name });
    });
  }

  setView(view: View): void {
    const other = this.view_?.site !== view.site;
    this.view_ = view;
    if (other) this.draw();
  }

  private get chosen_(): string {
    const name = this.view_?.site ?? "";
    return this.model_.sites.some((site) => site.name === name) ? name : "";
  }

  refresh(now_ms: number): void {
    const known = this.model_.sites.length + this.model_.grid.received_ms;
    if (now_ms - this.drawnAt_ms_ > redraw_ms || known !== this.known_) this.draw();
    this.known_ = known;
  }

  tick(now_ms: number): void {
    this.refresh(now_ms);
  }

  private located(): Located[] {
    return this.model_.sites.filter((site): site is Located => site.location !== null);
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas_;
    if (width === 0 || !this.view_) return;
    this.drawnAt_ms_ = Date.now();
    const sites = this.located();
    const judge = judgeFor({ ...this.view_, colour: "bands", layer: "value" }, this.model_.grid, { baseline: null, baselineWeeks: 0, other: null, sites });
    const projection = projectionFor(sites.map((site) => site.location), width, height);
    const ratio = window.devicePixelRatio || 1;
    this.canvas_.width = Math.round(width * ratio);
    this.canvas_.height = Math.round(height * ratio);
    const c = this.canvas_.getContext("2d")!;
    c.scale(ratio, ratio);
    const theme = readTheme();
    this.drawCoast(c, projection, theme);
    const all = this.arcs(sites);
    const shown = this.shownOf(all, judge);
    for (const arc of shown) {
      c.globalAlpha = shown.length > many_arcs && this.isWell(arc, judge) ? Math.max(0.12, 0.55 - shown.length / 3000) : 1;
      this.drawArc(c, projection, theme, judge, arc);
    }
    c.globalAlpha = 1;
    this.showNames(sites, projection, width);
    this.showWords(sites, all, shown, judge);
  }

  private drawCoast(c: CanvasRenderingContext2D, projection: Projection, theme: Theme): void {
    this.coast_ ??= coastline();
    c.beginPath();
    for (const shift of [-360, 0, 360]) {
      for (const ring of this.coast_) {
        ring.forEach(([latitude, longitude], i) => {
          const [x, y] = projection.point([latitude, longitude + shift]);
          if (i === 0) c.moveTo(x, y);
          else c.lineTo(x, y);
        });
        c.closePath();
      }
    }
    c.fillStyle = theme.past;
    c.fill("nonzero");
    c.strokeStyle = theme.line;
    c.lineWidth = 0.8;
    c.stroke();
  }

  private arcs(sites: readonly Located[]): Arc[] {
    const { grid } = this.model_;
    return sites.flatMap((from) => sites.flatMap((to) => {
      const i = grid.siteIndex(from.name) * grid.n + grid.siteIndex(to.name);
      if (from === to || !grid.has(i) || grid.state(i) === "none") return [];
      return [{ from: from.name, to: to.name, i, a: from.location, b: to.location }];
    }));
  }

  /** The worst last, so that nothing hides them. */
  private shownOf(all: readonly Arc[], judge: Judge): readonly Arc[] {
    const { grid } = this.model_;
    const chosen = this.chosen_ === "" ? all : all.filter((arc) => arc.from === this.chosen_ || arc.to === this.chosen_);
    const badness = (arc: Arc): number => badnessOfState[grid.state(arc.i)] + Math.max(0, judge.of(arc.i).band);
    const ranked = chosen.map((arc) => ({ arc, bad: badness(arc) })).sort((a, b) => a.bad - b.bad);
    return ranked.slice(-most_arcs).map(({ arc }) => arc);
  }

  private isWell(arc: Arc, judge: Judge): boolean {
    return this.model_.grid.state(arc.i) === "ok" && judge.of(arc.i).band < 3 && !this.model_.isMarked(arc.from, arc.to);
  }

  /** Half of the great circle, with signs that need no colour: dashed where it is down, dotted where nothing is known. */
  private drawArc(c: CanvasRenderingContext2D, projection: Projection, theme: Theme, judge: Judge, arc: Arc): void {
    const state = this.model_.grid.state(arc.i);
    const { band } = judge.of(arc.i);
    const points = greatCircle(arc.a, arc.b, arc_steps).slice(0, arc_steps / 2 + 1);
    c.beginPath();
    let last = points[0]!;
    points.forEach((place, i) => {
      const [x, y] = projection.point(place);
      if (i === 0 || Math.abs(place[1] - last[1]) > 180) c.moveTo(x, y); // across the date line
      else c.lineTo(x, y);
      last = place;
    });
    const current = isCurrent(state);
    c.strokeStyle = current ? (band < 0 ? theme.neutral : theme.bands[band]!) : state === "down" ? theme.ink : theme.silent;
    c.setLineDash(state === "down" ? [6, 4] : current ? [] : [2, 4]);
    c.lineWidth = current && band >= 0 ? 1.4 + 0.6 * band : 1.6;
    c.stroke();
    c.setLineDash([]);
    if (!this.model_.isMarked(arc.from, arc.to)) return;
    c.globalAlpha = 0.5;
    c.strokeStyle = theme.incident;
    c.lineWidth = 6;
    c.stroke();
  }

  private showNames(sites: readonly Located[], projection: Projection, width: number): void {
    const nodes = sites.map((site) => {
      const [x, y] = projection.point(site.location);
      const node = element("button", { type: "button", class: "place", "data-site": site.name, "data-health": site.health, "aria-pressed": String(site.name === this.chosen_) },
        element("span", { class: "mark" }), element("span", { class: sites.length > 60 && site.name !== this.chosen_ ? "unseen" : "name" }, site.name));
      node.style.left = px(x);
      node.style.top = px(y);
      node.classList.toggle("leftwards", x > width * 0.8);
      return node;
    });
    showChildren(this.names_, nodes);
  }

  private showWords(sites: readonly Located[], all: readonly Arc[], shown: readonly Arc[], judge: Judge): void {
    const view = this.view_!;
    const missing = this.model_.sites.length - sites.length;
    const parts = [
      sites.length === 0 ? "No site has a place; the coordinator's configuration gives it (location:)." : `${view.metric.label}, ${view.stat}, over ${view.window}: colours as in the matrix, thicker is worse; each half of an arc is the direction that begins there.`,
      missing > 0 && sites.length > 0 ? `${missing} sites have no place.` : "",
      shown.length < all.length ? (this.chosen_ === "" ? `Of ${count(all.length)} links the ${count(shown.length)} worst are drawn; choose a site for its own.` : `The links of ${this.chosen_}.`) : "",
    ];
    setText(this.note_, parts.filter((part) => part !== "").join(" "));
    const chosen = this.chosen_ === "" ? [] : all.filter((arc) => arc.from === this.chosen_ || arc.to === this.chosen_);
    showChildren(this.links_, chosen.slice(0, 100).map((arc) => this.linkRow(arc, judge)));
  }

  private linkRow(arc: Arc, judge: Judge): HTMLElement {
    const { grid } = this.model_;
    const state = grid.state(arc.i);
    const words = `${inWords(judge.of(arc.i).shown, grid.unit)}${state === "ok" ? "" : `, ${stateTexts[state].label}`}`;
    const button = element("button", { type: "button", class: "link" }, `${arc.from} → ${arc.to}`);
    button.addEventListener("click", () => this.onOpen_({ from: arc.from, to: arc.to }));
    return element("li", {}, button, ` ${Number.isNaN(judge.of(arc.i).shown) ? stateTexts[state].label : words}`);
  }
}
