// Puts the page together: choices and data in, views out.
import { sentence } from "./describe_cell";
import { byId, setText } from "./dom";
import { drawHiddenTable } from "./hidden_table";
import { drawLegend } from "./legend";
import { LinkPanel } from "./link_panel";
import { Live, type Connection } from "./live";
import { MatrixView } from "./matrix_view";
import { Model } from "./model";
import { Selectors } from "./selectors";
import { drawSites } from "./sites_table";
import { readSites } from "./sites_model";
import { noticeFor, StatusBar } from "./status_bar";
import { Tooltip } from "./tooltip";
import type { Link } from "./types";
import { formatHash, parseHash, type View } from "./view_state";

class Page {
  private view_: View = parseHash(location.hash);
  private connection_: Connection = "connecting";
  private refused_ = "";
  private pointed_: { link: Link; at: DOMRect } | null = null;
  private tableTimer_ = 0;
  private readonly model_ = new Model();
  private readonly status_ = new StatusBar();
  private readonly legend_ = byId("legend", HTMLElement);
  private readonly notice_ = byId("notice", HTMLElement);
  private readonly spoken_ = byId("spoken", HTMLElement);
  private readonly table_ = byId("cells", HTMLTableElement);
  private readonly sites_ = byId("sites-body", HTMLTableSectionElement);
  private readonly tooltip_ = new Tooltip(byId("tooltip", HTMLElement));
  private readonly selectors_ = new Selectors(this.view_, (view) => this.choose(view));
  private readonly panel_ = new LinkPanel(() => this.closeLink());
  private readonly matrix_ = new MatrixView(byId("matrix", HTMLElement), this.model_, this.view_, {
    onPoint: (link, at, byKey) => this.point(link, at, byKey),
    onOpen: (link) => this.openLink(link),
    onScroll: () => this.onScroll(),
  });
  private readonly live_ = new Live({
    onMatrix: (answer) => {
      this.refused_ = "";
      this.model_.replace(answer, Date.now());
      this.refresh();
    },
    onCells: (cells) => {
      this.model_.merge(cells, Date.now());
      this.refresh();
    },
    onSites: (answer) => {
      this.model_.setSites(readSites(answer), Date.now());
      this.refresh();
    },
    onConnection: (connection) => {
      this.connection_ = connection;
      this.refresh();
    },
    onRefused: (reason) => {
      this.refused_ = reason;
      this.refresh();
    },
  });

  start(): void {
    this.apply();
    window.addEventListener("hashchange", () => this.onHash());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawLegend(this.legend_, this.view_));
    window.setInterval(() => this.tick(), 1000);
    this.live_.follow(this.view_);
  }

  private choose(view: View): void {
    const other = view.metric !== this.view_.metric || view.stat !== this.view_.stat || view.window !== this.view_.window;
    this.view_ = view;
    history.replaceState(null, "", formatHash(view));
    this.apply();
    if (!other) return;
    this.refused_ = "";
    this.live_.follow(view);
  }

  /** What follows from the choice alone. */
  private apply(): void {
    this.selectors_.show(this.view_);
    drawLegend(this.legend_, this.view_);
    this.panel_.show(this.view_.link);
    this.matrix_.update(this.view_);
  }

  private onHash(): void {
    if (location.hash !== formatHash(this.view_)) this.choose(parseHash(location.hash));
  }

  private refresh(): void {
    const now = Date.now();
    this.status_.show(this.model_, this.connection_);
    const notice = noticeFor(this.model_, this.connection_, this.refused_);
    setText(this.notice_, notice);
    this.notice_.hidden = notice === "";
    document.body.dataset.connection = this.connection_;
    document.body.classList.toggle("loaded", this.model_.columns.length > 0);
    this.matrix_.update(this.view_);
    drawSites(this.sites_, this.model_, now);
    this.showTooltip();
    this.drawTableSoon();
  }

  private tick(): void {
    const now = Date.now();
    this.matrix_.tick();
    this.panel_.tick(now);
    drawSites(this.sites_, this.model_, now);
    this.showTooltip();
  }

  private drawTableSoon(): void {
    if (this.tableTimer_ !== 0) return;
    const delay_ms = this.model_.columns.length > 50 ? 1500 : 300;
    this.tableTimer_ = window.setTimeout(() => {
      this.tableTimer_ = 0;
      drawHiddenTable(this.table_, this.model_, this.view_, this.matrix_.visible(), Date.now());
    }, delay_ms);
  }

  private onScroll(): void {
    this.pointed_ = null;
    this.tooltip_.hide();
    this.drawTableSoon();
  }

  private point(link: Link | null, at: DOMRect, byKey: boolean): void {
    this.pointed_ = link ? { link, at } : null;
    this.showTooltip();
    const cell = link && this.model_.cell(link.from, link.to);
    if (byKey && cell) setText(this.spoken_, sentence(cell, this.model_.age(cell.from, cell.to, Date.now()), this.view_));
  }

  private showTooltip(): void {
    const cell = this.pointed_ && this.model_.cell(this.pointed_.link.from, this.pointed_.link.to);
    if (!cell || !this.pointed_) this.tooltip_.hide();
    else this.tooltip_.show(cell, this.model_.age(cell.from, cell.to, Date.now()), this.view_, this.pointed_.at);
  }

  private openLink(link: Link): void {
    this.choose({ ...this.view_, link });
    this.panel_.focus();
  }

  private closeLink(): void {
    this.choose({ ...this.view_, link: null });
    this.matrix_.focus();
  }
}

new Page().start();
