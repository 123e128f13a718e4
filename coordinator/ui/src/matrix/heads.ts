// The names along one edge of the matrix, as text. Only those in sight stand in the document: a thousand would slow
// down every frame.
import { element, px } from "../dom";
import type { Entry } from "../model/axis";
import type { MeshModel } from "../model/mesh_model";
import { troubles } from "../model/sites_model";

/** Some more than are in sight, so that not every step of scrolling changes the document. */
const spare = 8;
/** So many are in the document anyway, where the browser's own search finds them. */
const few = 150;

export class Heads {
  readonly node: HTMLElement;
  private entries_: readonly Entry[] = [];
  private readonly nodes_ = new Map<number, HTMLElement>();
  private size_ = 1;
  private pointed_ = -1;
  private found_ = -1;

  constructor(private readonly side_: "column" | "row", private readonly model_: MeshModel, private readonly onUnfold_: (group: string) => void) {
    this.node = element("div", { class: `${side_}-heads`, "aria-hidden": "true" });
  }

  /** Other names, or cells of another size. */
  arrange(entries: readonly Entry[], size: number): void {
    this.entries_ = entries;
    this.size_ = size;
    this.node.style[this.side_ === "column" ? "width" : "height"] = px(entries.length * size);
    this.node.replaceChildren();
    this.nodes_.clear();
  }

  /** From here on the first pixel of `room` is in sight. */
  show(scrolled: number, room: number): void {
    const all = this.entries_.length <= few;
    const first = all ? 0 : Math.floor(scrolled / this.size_);
    const last = all ? few : Math.ceil((scrolled + room) / this.size_);
    const known = (place: number): boolean => this.nodes_.has(place);
    const end = this.entries_.length - 1;
    if (known(Math.min(end, first)) && known(Math.min(end, last))) return;
    const [from, to] = [Math.max(0, first - spare), Math.min(end, last + spare)];
    for (const [place, node] of this.nodes_) {
      if (place >= from && place <= to) continue;
      node.remove();
      this.nodes_.delete(place);
    }
    for (let place = from; place <= to; place += 1) if (!known(place)) this.add(place);
  }

  /** The health of the sites may be another one. */
  markHealth(): void {
    for (const [place, node] of this.nodes_) this.mark(place, node);
  }

  point(place: number): void {
    this.nodes_.get(this.pointed_)?.classList.remove("pointed");
    this.pointed_ = place;
    this.nodes_.get(place)?.classList.add("pointed");
  }

  /** The site that was looked for; -1: none. */
  markFound(place: number): void {
    this.nodes_.get(this.found_)?.classList.remove("found");
    this.found_ = place;
    this.nodes_.get(place)?.classList.add("found");
  }

  private add(place: number): void {
    const entry = this.entries_[place]!;
    const node = element("div", { class: entry.folded ? "site folded" : "site" },
      element("span", { class: "mark" }), element("span", { class: "name" }, entry.folded ? `${entry.name} (${entry.members.length})` : entry.name));
    node.style[this.side_ === "column" ? "left" : "top"] = `${place * this.size_}px`;
    if (entry.folded) node.addEventListener("click", () => this.onUnfold_(entry.group));
    node.classList.toggle("pointed", place === this.pointed_);
    node.classList.toggle("found", place === this.found_);
    this.mark(place, node);
    this.nodes_.set(place, node);
    this.node.append(node);
  }

  private mark(place: number, node: HTMLElement): void {
    const [health, title] = this.healthOf(this.entries_[place]!);
    if (node.getAttribute("data-health") === health && node.title === title) return;
    node.setAttribute("data-health", health);
    node.title = title;
  }

  /** Of a group the worst of its sites. */
  private healthOf(entry: Entry): [health: string, title: string] {
    const sites = entry.members.map((i) => this.model_.health(this.model_.grid.sites[i] ?? "")).filter((site) => site !== undefined);
    const silent = sites.filter((site) => site.health === "silent" || site.health === "never");
    if (silent.length > 0) {
      const which = entry.folded ? ` ${silent.map((site) => site.name).join(" ")}` : "";
      return [silent[0]!.health, `${entry.name}:${which} ${silent[0]!.health === "silent" ? "silent" : "never heard"}`];
    }
    const wrong = sites.flatMap((site) => troubles(site));
    if (wrong.length > 0) return ["warn", `${entry.name}: ${wrong.join("; ")}`];
    return [sites.every((site) => site.health === "no_agent") && sites.length > 0 ? "no_agent" : "ok", entry.name];
  }
}
