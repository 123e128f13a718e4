// One matrix of the mesh as flat arrays: a thousand sites are a million cells. Index of a cell: from * sites + to.
import { absent } from "./columns";
import { isKnownState, stateNames } from "./states";
import type { Cell, CellState, MatrixAnswer, Unit } from "./types";

const few_samples = 20;

export class Grid {
  readonly sites: readonly string[];
  readonly n: number;
  readonly unit: Unit;
  readonly at: string;
  readonly metric: string;
  readonly stat: string;
  /** NaN: there is no number. */
  readonly value: Float64Array;
  private readonly count_: Float64Array;
  /** When the newest result came, by this machine's clock; NaN: never. */
  private readonly measured_ms_: Float64Array;
  private readonly error_s_: Float64Array | null;
  private readonly state_: Uint8Array;
  private readonly index_: ReadonlyMap<string, number>;

  constructor(answer: MatrixAnswer, readonly received_ms: number) {
    const n = answer.sites.length;
    this.sites = answer.sites;
    this.n = n;
    this.unit = answer.unit;
    this.at = answer.at;
    this.metric = answer.metric;
    this.stat = answer.stat;
    this.index_ = new Map(answer.sites.map((name, i) => [name, i]));
    this.value = answer.value;
    this.count_ = answer.count;
    this.measured_ms_ = answer.age_s.map((age_s) => received_ms - 1000 * age_s);
    this.error_s_ = answer.error_s ?? null;
    this.state_ = answer.state;
  }

  private put(i: number, state: string, value: number | null, count: number, age_s: number | null, error_s: number | null, now_ms: number): void {
    this.state_[i] = stateNames.indexOf(isKnownState(state) ? state : "never");
    this.value[i] = value ?? NaN;
    this.count_[i] = count;
    this.measured_ms_[i] = age_s === null ? NaN : now_ms - 1000 * age_s;
    if (this.error_s_) this.error_s_[i] = error_s ?? NaN;
  }

  /** Takes in what has changed; the indexes of those cells. Cells of unknown sites are left out. */
  merge(cells: readonly Cell[], now_ms: number): number[] {
    const changed: number[] = [];
    for (const cell of cells) {
      const from = this.index_.get(cell.from);
      const to = this.index_.get(cell.to);
      if (from === undefined || to === undefined) continue;
      const i = from * this.n + to;
      this.put(i, cell.state, cell.value, cell.count, cell.age_s, cell.error_s ?? null, now_ms);
      changed.push(i);
    }
    return changed;
  }

  siteIndex(name: string): number {
    return this.index_.get(name) ?? -1;
  }

  has(i: number): boolean {
    return this.state_[i] !== absent && this.state_[i] !== undefined;
  }

  /** `never` where there is no cell; ask has() first. */
  state(i: number): CellState {
    return stateNames[this.state_[i]!] ?? "never";
  }

  few(i: number): boolean {
    return this.count_[i]! < few_samples;
  }

  count(i: number): number {
    return this.count_[i]!;
  }

  /** Whether the value, where there is one, is of the present and may be judged. */
  judged(i: number): boolean {
    const state = this.state_[i];
    return (state === 0 || state === 1) && !Number.isNaN(this.value[i]!);
  }

  /** Seconds; null: never measured. `now_ms` is ignored for what is of the past. */
  age(i: number, now_ms: number): number | null {
    const measured = this.measured_ms_[i]!;
    return Number.isNaN(measured) ? null : Math.max(0, (now_ms - measured) / 1000);
  }

  cell(from: string, to: string): Cell | undefined {
    const a = this.siteIndex(from);
    const b = this.siteIndex(to);
    return a < 0 || b < 0 ? undefined : this.cellAt(a * this.n + b);
  }

  cellAt(i: number): Cell | undefined {
    if (!this.has(i)) return undefined;
    const value = this.value[i]!;
    const error = this.error_s_ ? this.error_s_[i]! : NaN;
    const cell: Cell = {
      from: this.sites[Math.floor(i / this.n)]!, to: this.sites[i % this.n]!,
      value: Number.isNaN(value) ? null : value, count: this.count_[i]!,
      age_s: this.age(i, this.received_ms), state: this.state(i), few: this.few(i),
    };
    if (!Number.isNaN(error)) cell.error_s = error;
    return cell;
  }

  /** Sites that have a row: an agent measures from there. */
  senders(): number[] {
    const found: number[] = [];
    for (let from = 0; from < this.n; from += 1)
      for (let to = 0; to < this.n; to += 1)
        if (this.has(from * this.n + to)) {
          found.push(from);
          break;
        }
    return found;
  }

  everMeasured(): boolean {
    const [never, none] = [stateNames.indexOf("never"), stateNames.indexOf("none")];
    return this.state_.some((state) => state !== absent && state !== never && state !== none);
  }

  /** How many links are in each state. */
  stateCounts(): Map<CellState, number> {
    const counts = new Uint32Array(absent + 1);
    for (const state of this.state_) counts[state]! += 1;
    return new Map(stateNames.map((name, i) => [name, counts[i]!]));
  }
}

/** Of each link the median over several matrices, by the sites' names; NaN where none has a number. */
export function medianOf(grids: readonly Grid[], like: Grid): Float64Array {
  const median = new Float64Array(like.n * like.n).fill(NaN);
  const maps = grids.map((grid) => like.sites.map((name) => grid.siteIndex(name)));
  for (let from = 0; from < like.n; from += 1)
    for (let to = 0; to < like.n; to += 1) {
      const values: number[] = [];
      grids.forEach((grid, k) => {
        const a = maps[k]![from]!;
        const b = maps[k]![to]!;
        const value = a < 0 || b < 0 ? NaN : grid.value[a * grid.n + b]!;
        if (!Number.isNaN(value)) values.push(value);
      });
      if (values.length === 0) continue;
      values.sort((a, b) => a - b);
      const middle = Math.floor(values.length / 2);
      median[from * like.n + to] = values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
    }
  return median;
}
