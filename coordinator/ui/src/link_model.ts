// GET /api/v1/links/FROM/TO as the page needs it: all metrics of both directions.
import { isKnownState } from "./states";
import type { Cell, Link } from "./types";

type MetricCells = ReadonlyMap<string, Cell>;

export interface LinkAnswer {
  there: MetricCells;
  back: MetricCells;
  distance_m: number | null;
}

interface Body {
  distance_m?: number | null;
  directions?: { from: string; to: string; cells: Record<string, Omit<Cell, "from" | "to">> | null }[];
}

export function readLink(answer: unknown, link: Link): LinkAnswer {
  const body = (answer ?? {}) as Body;
  const cellsOf = (from: string, to: string): MetricCells => {
    const found = body.directions?.find((direction) => direction.from === from && direction.to === to);
    return new Map(Object.entries(found?.cells ?? {}).map(([metric, cell]) =>
      [metric, { ...cell, from, to, state: isKnownState(cell.state) ? cell.state : "never" }]));
  };
  return {
    there: cellsOf(link.from, link.to),
    back: cellsOf(link.to, link.from),
    distance_m: body.distance_m ?? null,
  };
}
