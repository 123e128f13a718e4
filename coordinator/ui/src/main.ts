// Puts the page together: choices and data in, views out.
import { byId, setText } from "./dom";
import { LinkView } from "./link/link_view";
import { MatrixPlace } from "./matrix/matrix_place";
import { readIncidents } from "./model/incidents";
import { MeshModel } from "./model/mesh_model";
import { readSites } from "./model/sites_model";
import { sameLink, type Link } from "./model/types";
import { formatHash, parseHash, places, sameQuestion, type PlaceName, type View } from "./model/view_state";
import { Live, type Connection } from "./net/live";
import { FindBox } from "./places/find_box";
import { Navigation } from "./places/navigation";
import { Places } from "./places/places";
import { noticeFor, StatusBar } from "./status_bar";

class Page {
  private view_: View = parseHash(location.hash);
  private connection_: Connection = "connecting";
  private refused_ = "";
  private readonly model_ = new MeshModel();
  private readonly status_ = new StatusBar();
  private readonly notice_ = byId("notice", HTMLElement);
  private readonly navigation_ = new Navigation((place) => this.choose({ ...this.view_, place, link: null }));
  private readonly find_ = new FindBox(() => this.model_.grid.sites, {
    onSite: (site) => this.choose({ ...this.view_, site, link: null }),
    onLink: (link) => this.openLink(link),
  });
  private readonly places_ = new Places(this.model_, (link) => this.openLink(link), (view) => this.choose(view));
  private readonly link_ = new LinkView(this.model_, {
    onChoice: (view) => this.choose(view),
    onClose: () => this.closeLink(),
  });
  private readonly matrix_ = new MatrixPlace(this.model_, this.view_, {
    onChoice: (view) => this.choose(view),
    onOpen: (link) => this.openLink(link),
  });
  private readonly live_ = new Live({
    onMatrix: (answer) => {
      this.refused_ = "";
      this.model_.replace(answer, Date.now(), this.view_.at !== null);
      this.refresh();
    },
    onCells: (cells) => {
      this.matrix_.refreshCells(this.model_.merge(cells, Date.now()));
      this.showStatus();
    },
    onSites: (answer) => {
      if (this.model_.setSites(readSites(answer), Date.now())) this.refresh();
      else this.refreshHealth();
    },
    onIncidents: (answer) => {
      byId("incidents-place", HTMLElement).dataset.complete = "true";
      if (this.model_.setIncidents(readIncidents(answer))) this.refresh();
    },
    onConnection: (connection) => {
      this.connection_ = connection;
      this.showStatus();
    },
    onRefused: (reason) => {
      this.refused_ = reason;
      this.showStatus();
    },
  });

  start(): void {
    this.apply();
    window.addEventListener("hashchange", () => this.onHash());
    window.addEventListener("keydown", (event) => this.onKey(event));
    window.setInterval(() => this.tick(), 1000);
    this.live_.follow(this.view_, true);
    document.body.classList.add("ready");
  }

  private choose(view: View): void {
    const before = this.view_;
    this.view_ = view;
    const hash = formatHash(view);
    // Another place or link is a step that "back" takes back; another choice is not.
    if (before.place !== view.place || !sameLink(before.link, view.link)) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
    this.apply();
    if (sameQuestion(before, view)) return;
    this.refused_ = "";
    this.live_.follow(view, before.metric !== view.metric || before.stat !== view.stat || before.window !== view.window);
  }

  /** What follows from the choice alone. */
  private apply(): void {
    document.body.dataset.place = this.view_.link ? "link" : this.view_.place;
    this.navigation_.show(this.view_);
    this.find_.show(this.view_.site);
    this.status_.sayHeadline(this.model_, this.view_);
    this.matrix_.show(this.view_);
    this.link_.show(this.view_);
    this.places_.show(this.view_);
    this.showStatus();
  }

  private onHash(): void {
    if (location.hash === formatHash(this.view_)) return;
    const before = this.view_;
    this.view_ = parseHash(location.hash);
    this.apply();
    if (!sameQuestion(before, this.view_)) this.live_.follow(this.view_, true);
  }

  /** Digits lead to the places, Escape out of a link; not while somebody types. */
  private onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    const place: PlaceName | undefined = places[Number(event.key) - 1];
    if (place) this.choose({ ...this.view_, place, link: null });
    else if (event.key === "Escape" && this.view_.link) this.closeLink();
    else if (event.key === "/") this.find_.focus();
    else return;
    event.preventDefault();
  }

  private refresh(): void {
    document.body.classList.toggle("loaded", this.model_.grid.n > 0);
    this.status_.sayHeadline(this.model_, this.view_);
    this.matrix_.refresh();
    this.places_.refresh(Date.now());
    this.link_.onModel();
    this.showStatus();
  }

  private refreshHealth(): void {
    this.matrix_.refreshHealth();
    this.places_.refresh(Date.now());
    this.showStatus();
  }

  private showStatus(): void {
    this.status_.show(this.model_, this.connection_);
    const notice = noticeFor(this.model_, this.connection_, this.refused_ || this.matrix_.refusal());
    setText(this.notice_, notice);
    this.notice_.hidden = notice === "";
    this.navigation_.count(this.model_.incidents.filter((incident) => incident.open).length);
    document.body.dataset.connection = this.connection_;
  }

  private tick(): void {
    const now = Date.now();
    this.status_.sayHeadline(this.model_, this.view_);
    this.matrix_.tick();
    this.link_.tick(now);
    this.places_.tick(now);
    if (this.matrix_.refusal() !== "") this.showStatus();
  }

  private openLink(link: Link): void {
    this.choose({ ...this.view_, link });
    this.link_.focus();
  }

  private closeLink(): void {
    this.choose({ ...this.view_, link: null });
    if (this.view_.place === "matrix") this.matrix_.focus();
  }
}

new Page().start();
