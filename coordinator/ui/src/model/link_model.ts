// GET /api/v1/links/FROM/TO as the page needs it: all metrics of both directions.
import { fieldsOf, listOf, numberOf, textOf } from "./fields";
import { isKnownState } from "./states";
import type { Cell, Link } from "./types";

type MetricCells = ReadonlyMap<string, Cell>;

export interface LinkAnswer {
  there: MetricCells;
  back: MetricCells;
  distance_m: number | null;
  fibre_rtt_s: number | null;
  rtt_min_s: number | null;
  /** By metric: from -> to less the way back. */
  asymmetry: ReadonlyMap<string, number>;
}

function cellOf(link: Link, value: unknown): Cell {
  const fields = fieldsOf(value);
  const state = textOf(fields.state);
  const cell: Cell = {
    ...link, value: numberOf(fields.value), count: numberOf(fields.count) ?? 0, age_s: numberOf(fields.age_s),
    state: isKnownState(state) ? state : "never", few: fields.few === true,
  };
  const error_s = numberOf(fields.error_s);
  return error_s === null ? cell : { ...cell, error_s };
}

export function readLink(answer: unknown, link: Link): LinkAnswer {
  const body = fieldsOf(answer);
  const cellsOf = (from: string, to: string): MetricCells => {
    const found = listOf(body.directions).map(fieldsOf).find((direction) => direction.from === from && direction.to === to);
    return new Map(Object.entries(fieldsOf(found?.cells)).map(([metric, cell]) => [metric, cellOf({ from, to }, cell)]));
  };
  const efficiency = fieldsOf(body.efficiency);
  const asymmetry = Object.entries(fieldsOf(body.asymmetry))
    .map(([metric, one]): [string, number | null] => [metric, numberOf(fieldsOf(one).difference)])
    .filter((entry): entry is [string, number] => entry[1] !== null);
  return {
    there: cellsOf(link.from, link.to),
    back: cellsOf(link.to, link.from),
    distance_m: numberOf(body.distance_m),
    fibre_rtt_s: numberOf(efficiency.fibre_rtt_s),
    rtt_min_s: numberOf(efficiency.rtt_min_s),
    asymmetry: new Map(asymmetry),
  };
}
