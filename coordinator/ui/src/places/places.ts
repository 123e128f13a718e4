// The places beside the matrix: only the one in sight is drawn and asks for data.
import { byId } from "../dom";
import type { MeshModel } from "../model/mesh_model";
import type { Link } from "../model/types";
import type { PlaceName, View } from "../model/view_state";
import { IncidentsView } from "./incidents_view";
import { MapView } from "./map_view";
import { SitesView } from "./sites_view";
import { TimetableView } from "./timetable_view";

interface PlaceView {
  /** Something is known that was not before. */
  refresh(now_ms: number): void;
  /** Once a second. */
  tick(now_ms: number): void;
}

export class Places {
  private readonly views_: Partial<Record<PlaceName, PlaceView>>;
  private readonly sections_: [PlaceName | "link", HTMLElement][] = [
    ["matrix", byId("matrix-place", HTMLElement)], ["incidents", byId("incidents-place", HTMLElement)],
    ["sites", byId("sites-place", HTMLElement)], ["timetable", byId("timetable-place", HTMLElement)],
    ["map", byId("map-place", HTMLElement)], ["link", byId("panel", HTMLElement)],
  ];
  private place_: PlaceName | null = null;
  private readonly map_: MapView;
  private readonly sites_: SitesView;
  private readonly timetable_: TimetableView;

  constructor(model: MeshModel, onOpen: (link: Link) => void, onChoice: (view: View) => void) {
    this.map_ = new MapView(model, onOpen, onChoice);
    this.sites_ = new SitesView(model, onChoice);
    this.timetable_ = new TimetableView(model);
    this.views_ = {
      incidents: new IncidentsView(model, onOpen),
      sites: this.sites_,
      timetable: this.timetable_,
      map: this.map_,
    };
  }

  show(view: View): void {
    const shown = view.link ? "link" : view.place;
    for (const [place, section] of this.sections_) section.hidden = place !== shown;
    this.place_ = view.link ? null : view.place;
    this.map_.setView(view);
    this.sites_.setView(view);
    this.timetable_.setView(view);
    this.refresh(Date.now());
  }

  refresh(now_ms: number): void {
    if (this.place_) this.views_[this.place_]?.refresh(now_ms);
  }

  tick(now_ms: number): void {
    if (this.place_) this.views_[this.place_]?.tick(now_ms);
  }
}
