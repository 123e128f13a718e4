// What the coordinator answers (docs/api.md). Base units: seconds, bits per second, ratios.

export type CellState =
  "ok" | "degraded" | "unsynced" | "stale" | "down" | "agent_silent" | "paused" | "never" | "none";

export interface Cell {
  from: string;
  to: string;
  value: number | null;
  count: number;
  age_s: number | null;
  state: CellState;
  few?: boolean;
  error_s?: number | null;
}

/** GET /api/v1/matrix?layout=columns as ColumnsReader gives it: row-major arrays over all sites; NaN where there is no number. */
export interface MatrixAnswer {
  mesh: string;
  metric: string;
  stat: string;
  unit: Unit;
  window_s: number;
  at: string;
  sites: string[];
  value: Float64Array;
  count: Float64Array;
  age_s: Float64Array;
  /** Places in stateNames; 255 where there is no cell. */
  state: Uint8Array;
  error_s?: Float64Array;
}

export type Unit = "s" | "bit/s" | "ratio" | "1";

export interface Link {
  from: string;
  to: string;
}

export function sameLink(a: Link | null, b: Link | null): boolean {
  return a === b || (a !== null && b !== null && a.from === b.from && a.to === b.to);
}
