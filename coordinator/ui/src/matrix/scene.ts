// What stands in the matrix: rows and columns in their order, the judge, and the look of the cell between two of them.
import { cellsBetween, worstOf, type Entry } from "../model/axis";
import type { Judge } from "../model/judge";
import type { MeshModel } from "../model/mesh_model";
import type { Link } from "../model/types";
import type { Layer } from "../model/view_state";
import type { Look } from "./cell_paint";

export class Scene {
  rows: readonly Entry[] = [];
  columns: readonly Entry[] = [];
  private rowOf_ = new Map<number, number>();
  private columnOf_ = new Map<number, number>();

  constructor(readonly model: MeshModel, public judge: Judge, public layer: Layer) {}

  setAxis(axis: readonly Entry[]): void {
    const { grid } = this.model;
    const senders = new Set(grid.senders());
    this.columns = axis;
    this.rows = axis.filter((entry) => entry.members.some((i) => senders.has(i)));
    const places = (entries: readonly Entry[]): Map<number, number> =>
      new Map(entries.flatMap((entry, place) => entry.members.map((i): [number, number] => [i, place])));
    this.rowOf_ = places(this.rows);
    this.columnOf_ = places(this.columns);
  }

  /** Index in the grid of the cell that is shown there; -1: none. Of a folded group the worst one. */
  cellAt(row: number, column: number): number {
    const from = this.rows[row];
    const to = this.columns[column];
    if (!from || !to) return -1;
    const { grid } = this.model;
    if (!from.folded && !to.folded) {
      const i = from.members[0]! * grid.n + to.members[0]!;
      return from.members[0] !== to.members[0] && grid.has(i) ? i : -1;
    }
    return worstOf(grid, this.judge, cellsBetween(grid, from, to));
  }

  /** How many links stand behind the place. */
  countAt(row: number, column: number): number {
    const from = this.rows[row];
    const to = this.columns[column];
    if (!from || !to) return 0;
    return from.folded || to.folded ? cellsBetween(this.model.grid, from, to).length : 1;
  }

  linkAt(row: number, column: number): Link | null {
    const i = this.cellAt(row, column);
    if (i < 0) return null;
    const { grid } = this.model;
    return { from: grid.sites[Math.floor(i / grid.n)]!, to: grid.sites[i % grid.n]! };
  }

  /** Where a cell of the grid is shown. */
  placeOf(i: number): { row: number; column: number } | null {
    const { n } = this.model.grid;
    const row = this.rowOf_.get(Math.floor(i / n));
    const column = this.columnOf_.get(i % n);
    return row === undefined || column === undefined ? null : { row, column };
  }

  /** The row in which a site of the grid is shown; -1: none, it has no agent. */
  rowOf(site: number): number {
    return this.rowOf_.get(site) ?? -1;
  }

  columnOf(site: number): number {
    return this.columnOf_.get(site) ?? -1;
  }

  look(i: number, now_ms: number): Look {
    const { grid } = this.model;
    const verdict = this.judge.of(i);
    return {
      state: grid.state(i), verdict, sign: this.judge.sign,
      few: grid.few(i) && !Number.isNaN(grid.value[i]!), age: this.model.ageAt(i, now_ms),
      marked: this.model.isMarked(grid.sites[Math.floor(i / grid.n)]!, grid.sites[i % grid.n]!),
    };
  }

  /** The cell of the way back; -1: none. */
  turned(i: number): number {
    const { grid } = this.model;
    const back = (i % grid.n) * grid.n + Math.floor(i / grid.n);
    return grid.has(back) ? back : -1;
  }

  /** Whether a group ends before this place. */
  isEdge(entries: readonly Entry[], place: number): boolean {
    const before = entries[place - 1];
    const here = entries[place];
    return before !== undefined && here !== undefined && before.group !== here.group;
  }
}
