// The order of rows and columns, and groups folded into one. Pure: no DOM.
import type { Grid } from "./grid";
import type { Judge } from "./judge";
import type { Site } from "./sites_model";
import type { CellState } from "./types";
import type { View } from "./view_state";

/** One row or column: a site, or a folded group of them. */
export interface Entry {
  name: string;
  /** Indexes of sites in the grid. */
  members: readonly number[];
  /** The group it stands in; empty: none, or the order is another one. */
  group: string;
  folded: boolean;
}

export const ungrouped = "no group";

function siteEntry(grid: Grid, i: number, group = ""): Entry {
  return { name: grid.sites[i]!, members: [i], group, folded: false };
}

/** How much a state stands out, beside what the bands say. */
export const badnessOfState: Record<CellState, number> = {
  ok: 0, degraded: 5, unsynced: 1, stale: 4, down: 8, agent_silent: 6, paused: 0, never: 2, none: 0,
};

/** How bad the links of each site are, both ways, on average. */
function badnessOf(grid: Grid, judge: Judge): number[] {
  const sum = new Float64Array(grid.n);
  for (let i = 0; i < grid.n * grid.n; i += 1) {
    if (!grid.has(i)) continue;
    const bad = badnessOfState[grid.state(i)] + Math.max(0, judge.of(i).band);
    sum[Math.floor(i / grid.n)]! += bad;
    sum[i % grid.n]! += bad;
  }
  return [...sum];
}

const compared_at_most = 96;

const similar = new WeakMap<Grid, number[]>();

/** A walk from site to site, each time to the one whose values to and from all others are most alike. It is kept: a large mesh takes long. */
export function bySimilarity(grid: Grid): number[] {
  const known = similar.get(grid) ?? walkOfLikes(grid);
  similar.set(grid, known);
  return known;
}

function walkOfLikes(grid: Grid): number[] {
  const step = Math.max(1, Math.ceil(grid.n / compared_at_most));
  const sample: number[] = [];
  for (let i = 0; i < grid.n; i += step) sample.push(i);
  const log = (i: number): number => (grid.judged(i) ? Math.log10(Math.max(grid.value[i]!, 1e-6)) : NaN);
  const traits = grid.sites.map((_, site) =>
    Float64Array.from(sample.flatMap((other) => [log(site * grid.n + other), log(other * grid.n + site)])));
  const apart = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    let common = 0;
    for (let k = 0; k < a.length; k += 1) {
      const difference = a[k]! - b[k]!;
      if (Number.isNaN(difference)) continue;
      sum += difference * difference;
      common += 1;
    }
    return common === 0 ? Infinity : sum / common;
  };
  const left = new Set(grid.sites.map((_, i) => i));
  const order: number[] = [];
  let at = 0;
  while (left.size > 0) {
    left.delete(at);
    order.push(at);
    let best = -1;
    let least = Infinity;
    for (const other of left) {
      const distance = apart(traits[at]!, traits[other]!);
      if (best < 0 || distance < least) [best, least] = [other, distance];
    }
    at = best;
  }
  return order;
}

function sorted(grid: Grid, compare: (a: number, b: number) => number): number[] {
  return grid.sites.map((_, i) => i).sort((a, b) => compare(a, b) || a - b);
}

const byWords = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** West to east; sites without a place come last. */
function byPlace(grid: Grid, sites: ReadonlyMap<string, Site>): number[] {
  const longitude = grid.sites.map((name) => sites.get(name)?.location?.[1] ?? 1000);
  return sorted(grid, (a, b) => longitude[a]! - longitude[b]!);
}

/** A site stands in its first group. */
export function groupsOf(grid: Grid, sites: readonly Site[]): Map<string, number[]> {
  const known = new Map(sites.map((site) => [site.name, site]));
  const found = new Map<string, number[]>();
  grid.sites.forEach((name, i) => {
    const group = known.get(name)?.groups[0] ?? ungrouped;
    found.set(group, [...(found.get(group) ?? []), i]);
  });
  return new Map([...found].sort(([a], [b]) => Number(a === ungrouped) - Number(b === ungrouped) || byWords.compare(a, b)));
}

function grouped(view: View, grid: Grid, sites: readonly Site[]): Entry[] {
  return [...groupsOf(grid, sites)].flatMap(([group, members]) =>
    view.folded.includes(group) && members.length > 1
      ? [{ name: group, members, group, folded: true }]
      : members.map((i) => siteEntry(grid, i, group)));
}

export function axisFor(view: View, grid: Grid, sites: readonly Site[], judge: Judge): Entry[] {
  const entries = (order: number[]): Entry[] => order.map((i) => siteEntry(grid, i));
  switch (view.order) {
    case "name": return entries(sorted(grid, (a, b) => byWords.compare(grid.sites[a]!, grid.sites[b]!)));
    case "place": return entries(byPlace(grid, new Map(sites.map((site) => [site.name, site]))));
    case "group": return grouped(view, grid, sites);
    case "worst": {
      const bad = badnessOf(grid, judge);
      return entries(sorted(grid, (a, b) => bad[b]! - bad[a]!));
    }
    case "similar": return entries(bySimilarity(grid));
    default: return entries(grid.sites.map((_, i) => i));
  }
}

/** The cells behind a row and a column, at most that many for a folded group. */
export function cellsBetween(grid: Grid, row: Entry, column: Entry): number[] {
  const found: number[] = [];
  for (const from of row.members)
    for (const to of column.members) {
      const i = from * grid.n + to;
      if (from !== to && grid.has(i)) found.push(i);
    }
  return found;
}

/** The cell that speaks for many: the one that is worst, so that a folded group hides nothing. */
export function worstOf(grid: Grid, judge: Judge, cells: readonly number[]): number {
  let worst = -1;
  let most = -1;
  for (const i of cells) {
    const verdict = judge.of(i);
    const bad = 10 * badnessOfState[grid.state(i)] + Math.max(0, verdict.band) + (Number.isNaN(verdict.shown) ? 0 : 0.5);
    if (bad > most) [worst, most] = [i, bad];
  }
  return worst;
}
