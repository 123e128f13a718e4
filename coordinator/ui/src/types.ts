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

export interface MatrixAnswer {
  mesh: string;
  metric: string;
  stat: string;
  unit: Unit;
  window_s: number;
  at: string;
  sites: string[];
  cells: Cell[];
}

export type Unit = "s" | "bit/s" | "ratio" | "1";

export interface Link {
  from: string;
  to: string;
}

export function sameLink(a: Link | null, b: Link | null): boolean {
  return a === b || (a !== null && b !== null && a.from === b.from && a.to === b.to);
}
