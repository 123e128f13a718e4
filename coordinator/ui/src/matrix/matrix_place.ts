// The place "Matrix": choices, legend, time and the matrix itself, kept in step with what is known of the mesh.
import { byId, setText } from "../dom";
import { axisFor } from "../model/axis";
import { sentence } from "../model/describe_cell";
import { judgeFor } from "../model/judge";
import type { MeshModel } from "../model/mesh_model";
import type { Link } from "../model/types";
import type { View } from "../model/view_state";
import { EvidenceStore } from "./evidence";
import { GroupsBar, toggled } from "./groups_bar";
import { HiddenTable } from "./hidden_table";
import { drawLegend } from "./legend";
import { MatrixView } from "./matrix_view";
import { Scene } from "./scene";
import { Selectors } from "./selectors";
import { watchTheme } from "./theme";
import { TimeBar } from "./time_bar";
import { Tooltip } from "./tooltip";

interface PlaceEvents {
  onChoice(view: View): void;
  onOpen(link: Link): void;
}

export class MatrixPlace {
  private readonly legend_ = byId("legend", HTMLElement);
  private readonly spoken_ = byId("spoken", HTMLElement);
  private readonly table_: HiddenTable;
  private readonly tooltip_ = new Tooltip(byId("tooltip", HTMLElement));
  private readonly evidence_: EvidenceStore;
  private readonly scene_: Scene;
  private readonly matrix_: MatrixView;
  private readonly selectors_: Selectors;
  private readonly groups_: GroupsBar;
  private readonly time_: TimeBar;
  private pointed_: { link: Link; links: number; at: DOMRect; byKey: boolean } | null = null;
  private tableTimer_ = 0;
  private legendKey_ = "";

  constructor(private readonly model_: MeshModel, private view_: View, events: PlaceEvents) {
    const choose = (view: View): void => events.onChoice(view);
    this.evidence_ = new EvidenceStore(model_, () => this.refresh());
    this.scene_ = new Scene(model_, judgeFor(view_, model_.grid, this.evidence_.evidence(view_, Date.now())), view_.layer);
    this.table_ = new HiddenTable(byId("cells", HTMLTableElement), this.scene_);
    this.selectors_ = new Selectors(view_, choose);
    this.groups_ = new GroupsBar(byId("groups", HTMLElement), choose);
    this.time_ = new TimeBar(view_, () => model_.now_ms(Date.now()), choose);
    this.matrix_ = new MatrixView(byId("matrix", HTMLElement), this.scene_, {
      onPoint: (link, links, at, byKey) => this.point(link, links, at, byKey),
      onOpen: (link) => events.onOpen(link),
      onUnfold: (group) => events.onChoice({ ...this.view_, folded: toggled(this.view_.folded, group) }),
      onScroll: () => this.onScroll(),
    });
    watchTheme(() => {
      this.legendKey_ = "";
      this.refresh();
    });
  }

  show(view: View): void {
    this.view_ = view;
    this.selectors_.show(view);
    this.time_.show(view);
    this.refresh();
  }

  /** Why the comparison that was chosen cannot be made; empty: it can. */
  refusal(): string {
    return this.evidence_.refusal(this.view_);
  }

  /** Much is new: the matrix, the sites, the choice. */
  refresh(): void {
    const { grid, sites } = this.model_;
    this.rejudge();
    this.scene_.layer = this.view_.layer;
    this.scene_.setAxis(axisFor(this.view_, grid, sites, this.scene_.judge));
    this.groups_.show(this.view_, this.model_);
    this.matrix_.update(this.view_.fit, this.view_.site);
    this.showTooltip();
    this.drawTableSoon();
  }

  /** What the agents say of themselves is new, the matrix is not. */
  refreshHealth(): void {
    this.matrix_.markHealth();
  }

  /** Only these cells are new. */
  refreshCells(cells: readonly number[]): void {
    if (this.view_.order === "group" && this.view_.folded.length > 0) {
      this.matrix_.update(this.view_.fit, this.view_.site);
      this.drawTableSoon();
    } else {
      this.matrix_.updateCells(cells);
      if (this.isInSight()) this.table_.update(cells, this.view_);
    }
    this.showTooltip();
  }

  tick(): void {
    this.matrix_.tick();
    this.showTooltip();
    if (!this.time_.playing) this.time_.show(this.view_);
  }

  focus(): void {
    this.matrix_.focus();
  }

  private rejudge(): void {
    const evidence = this.evidence_.evidence(this.view_, this.model_.now_ms(Date.now()));
    this.scene_.judge = judgeFor(this.view_, this.model_.grid, evidence);
    const { judge } = this.scene_;
    const title = this.view_.layer === "difference" ? `${judge.title}: ${this.time_.comparison()}` : judge.title;
    const key = [this.view_.metric.name, this.view_.stat, title, judge.sign, judge.lacking, ...judge.labels].join("\n");
    if (key === this.legendKey_) return;
    this.legendKey_ = key;
    drawLegend(this.legend_, this.view_, { ...judge, title });
  }

  private isInSight(): boolean {
    return this.view_.place === "matrix" && this.view_.link === null;
  }

  /** `rested`: only once nothing has asked for it for a while, as when the matrix is moved. */
  private drawTableSoon(rested = false): void {
    if (!this.isInSight() || (this.tableTimer_ !== 0 && !rested)) return;
    window.clearTimeout(this.tableTimer_);
    const delay_ms = this.table_.isEmpty ? 0 : 300;
    this.tableTimer_ = window.setTimeout(() => {
      this.tableTimer_ = 0;
      if (this.isInSight()) this.table_.draw(this.view_, this.matrix_.visible());
    }, delay_ms);
  }

  private onScroll(): void {
    // Reaching a cell with the keys may scroll; a pointer is over another cell then.
    this.pointed_ = this.pointed_?.byKey === true ? { ...this.pointed_, at: this.matrix_.cursorBox() } : null;
    this.showTooltip();
    this.drawTableSoon(true);
  }

  private judgement(link: Link): string {
    const { grid } = this.model_;
    return this.scene_.judge.words(grid.siteIndex(link.from) * grid.n + grid.siteIndex(link.to));
  }

  private point(link: Link | null, links: number, at: DOMRect, byKey: boolean): void {
    this.pointed_ = link ? { link, links, at, byKey } : null;
    this.showTooltip();
    const cell = link && this.model_.cell(link.from, link.to);
    if (byKey && cell) {
      setText(this.spoken_, sentence(cell, this.model_.age(cell.from, cell.to, Date.now()), this.view_, this.judgement(cell)));
    }
  }

  private showTooltip(): void {
    const cell = this.pointed_ && this.model_.cell(this.pointed_.link.from, this.pointed_.link.to);
    if (!cell || !this.pointed_ || !this.isInSight()) {
      this.tooltip_.hide();
      return;
    }
    this.tooltip_.show(cell, this.model_.age(cell.from, cell.to, Date.now()), this.view_, this.judgement(cell), this.pointed_.links, this.pointed_.at);
  }
}
