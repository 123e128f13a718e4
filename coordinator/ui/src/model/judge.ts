// What the colour of a cell says. A judge gives each cell one of five bands, or none, and says what the bands mean;
// legend, canvas and words take it from here. Pure: no DOM.
import { bound, inWords } from "./format";
import { fibre_s } from "./geo";
import type { Grid } from "./grid";
import { bandOf, hasBands, type Metric } from "./metrics";
import type { Site } from "./sites_model";
import type { Unit } from "./types";
import type { View } from "./view_state";

/** Rising bars from best to worst; arrows where the middle band is "as it was". */
export type Sign = "bars" | "arrows";

export interface Verdict {
  /** 0 (best) to 4 (worst); -1: nothing to judge by. */
  band: number;
  /** Written on the cell; NaN: nothing. */
  shown: number;
  unit: Unit;
  /** A difference is written with its sign. */
  signed: boolean;
}

export interface Judge {
  sign: Sign;
  title: string;
  /** Five, best first. */
  labels: readonly string[];
  /** What a cell without a band lacks. */
  lacking: string;
  of(i: number): Verdict;
  /** The judgement in words, for tooltip and table; empty: the value says it. */
  words(i: number): string;
}

/** What a judge may need beside the matrix; null: not there (yet). */
export interface Evidence {
  /** Of each link the median of the same hour in earlier weeks. */
  baseline: Float64Array | null;
  baselineWeeks: number;
  /** The matrix at the other instant, by this matrix's indexes. */
  other: Float64Array | null;
  sites: readonly Site[];
}

const none = (shown: number, unit: Unit): Verdict => ({ band: -1, shown, unit, signed: false });

/** The largest of 1, 2, 5 times a power of ten that is not above x. */
export function niceBelow(x: number): number {
  const power = 10 ** Math.floor(Math.log10(x));
  const digit = x / power;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

const rate_shares = [1, 0.5, 0.2, 0.05] as const;

/** Rates are judged by what this mesh can do: the upper decile, rounded down to 1, 2 or 5. */
export function boundsFor(metric: Metric, grid: Grid): Metric["bounds"] {
  if (metric.unit !== "bit/s") return metric.bounds;
  const values = grid.value.filter((value, i) => value > 0 && grid.judged(i)).sort();
  if (values.length === 0) return metric.bounds;
  const top = niceBelow(values[Math.min(values.length - 1, Math.floor(0.9 * values.length))]!);
  const [a, b, c, d] = rate_shares.map((share) => top * share) as [number, number, number, number];
  return [a, b, c, d];
}

function rangeTexts(bounds: readonly number[], unit: Unit, higherIsBetter: boolean): string[] {
  const words = bounds.map((value) => bound(value, unit));
  const last = words[words.length - 1]!;
  return higherIsBetter ? [...words.map((word) => `≥ ${word}`), `< ${last}`] : [...words.map((word) => `< ${word}`), `≥ ${last}`];
}

function byBands(view: View, grid: Grid): Judge {
  const { metric } = view;
  const own = { ...metric, bounds: boundsFor(metric, grid) };
  const judged = hasBands(view.stat);
  return {
    sign: "bars",
    title: metric.unit === "bit/s" ? "by what this mesh reaches" : "by absolute bounds",
    labels: rangeTexts(own.bounds, metric.unit, metric.higherIsBetter === true),
    lacking: judged ? "" : "a spread is not judged",
    of(i) {
      const value = grid.value[i]!;
      return judged && grid.judged(i) ? { band: bandOf(own, value), shown: value, unit: grid.unit, signed: false } : none(value, grid.unit);
    },
    words: () => "",
  };
}

const ratio_bounds = [0.9, 1.1, 1.5, 3] as const;

/** How much worse `now` is than `then`: 1 the same, 2 twice as bad. What is next to nothing counts as nothing. */
export function worsening(metric: Metric, now: number, then: number): number {
  const least = leastThatMatters(metric.unit);
  const [a, b] = [Math.max(now, least), Math.max(then, least)];
  return metric.higherIsBetter ? b / a : a / b;
}

function leastThatMatters(unit: Unit): number {
  if (unit === "s") return 0.0002;
  if (unit === "ratio") return 0.005;
  return unit === "1" ? 1 : 1000;
}

function byBaseline(view: View, grid: Grid, evidence: Evidence): Judge {
  const { baseline } = evidence;
  const { metric } = view;
  const label = metric.higherIsBetter
    ? ["better than usual", "as usual", "down to 2/3", "down to 1/3", "below 1/3"]
    : ["better than usual", "as usual", "up to 1.5 ×", "up to 3 ×", "above 3 ×"];
  return {
    sign: "bars",
    title: evidence.baselineWeeks === 0 ? "against the same hour of earlier weeks"
      : `against the same hour of the last ${evidence.baselineWeeks === 1 ? "week" : `${evidence.baselineWeeks} weeks`}`,
    labels: label,
    lacking: "nothing to compare with yet",
    of(i) {
      const value = grid.value[i]!;
      const usual = baseline ? baseline[i]! : NaN;
      if (!grid.judged(i) || Number.isNaN(usual)) return none(value, grid.unit);
      const worse = worsening(metric, value, usual);
      return { band: ratio_bounds.filter((bar) => worse > bar).length, shown: value, unit: grid.unit, signed: false };
    },
    words(i) {
      const usual = baseline ? baseline[i]! : NaN;
      return Number.isNaN(usual) ? "no earlier week to compare with" : `usually ${inWords(usual, grid.unit)} at this hour`;
    },
  };
}

/** How many one-way times in fibre a metric cannot go below; 0: light is no bound for it. */
export function floorLegs(metric: Metric): number {
  if (["rtt", "rtt_host", "rtt_loaded", "connect", "connect_clean", "connect_loaded", "handshake_rtt"].includes(metric.name)) return 2;
  return metric.name === "delay" || metric.name === "delay_loaded" ? 1 : 0;
}

const floor_bounds = [1.5, 2, 3, 5] as const;
/** Below 50 us in fibre (10 km) hosts and switches decide, not distance. */
const least_floor_s = 5e-5;

function byFloor(view: View, grid: Grid, evidence: Evidence): Judge {
  const legs = floorLegs(view.metric);
  const known = new Map(evidence.sites.map((site) => [site.name, site.location]));
  const places = grid.sites.map((name) => known.get(name) ?? null);
  const floorOf = (i: number): number => {
    const [a, b] = [places[Math.floor(i / grid.n)], places[i % grid.n]];
    return a && b && legs > 0 ? legs * fibre_s(a, b) : NaN;
  };
  return {
    sign: "bars",
    title: "against light in fibre along the great circle",
    labels: ["< 1.5 ×", "< 2 ×", "< 3 ×", "< 5 ×", "≥ 5 ×"],
    lacking: legs === 0 ? "light is no bound for this metric" : "places not known, or too near",
    of(i) {
      const value = grid.value[i]!;
      const least = floorOf(i);
      if (!grid.judged(i) || !(least >= least_floor_s)) return none(value, grid.unit);
      return { band: floor_bounds.filter((bar) => value >= bar * least).length, shown: value, unit: grid.unit, signed: false };
    },
    words(i) {
      const least = floorOf(i);
      if (!(least >= least_floor_s)) return "";
      const value = grid.value[i]!;
      return `light needs ${inWords(least, "s")}${Number.isNaN(value) ? "" : `, this is ${(value / least).toFixed(1)} ×`}`;
    },
  };
}

const change_bounds = [1 / 1.5, 1 / 1.1, 1.1, 1.5] as const;

function byChange(view: View, grid: Grid, otherOf: (i: number) => number, title: string, labels: readonly string[],
                  lacking: string, otherWords: string): Judge {
  return {
    sign: "arrows", title, labels, lacking,
    of(i) {
      const value = grid.value[i]!;
      const other = otherOf(i);
      if (!grid.judged(i) || Number.isNaN(other)) return none(NaN, grid.unit);
      const worse = worsening(view.metric, value, other);
      return { band: change_bounds.filter((bar) => worse > bar).length, shown: value - other, unit: grid.unit, signed: true };
    },
    words(i) {
      const other = otherOf(i);
      return Number.isNaN(other) ? lacking : `${otherWords} ${inWords(other, grid.unit)}`;
    },
  };
}

function byAsymmetry(view: View, grid: Grid): Judge {
  const back = (i: number): number => {
    const turned = (i % grid.n) * grid.n + Math.floor(i / grid.n);
    return grid.judged(turned) ? grid.value[turned]! : NaN;
  };
  return byChange(view, grid, back, "from → to against the way back",
    ["much better", "better", "alike (± 10 %)", "worse", "much worse (> 1.5 ×)"], "the way back has no value", "the way back:");
}

function byDifference(view: View, grid: Grid, evidence: Evidence): Judge {
  const other = (i: number): number => (evidence.other ? evidence.other[i]! : NaN);
  return byChange(view, grid, other, "against the other instant",
    ["much better", "better", "unchanged (± 10 %)", "worse", "much worse (> 1.5 ×)"], "no value at the other instant", "then:");
}

export function judgeFor(view: View, grid: Grid, evidence: Evidence): Judge {
  if (view.layer === "asymmetry") return byAsymmetry(view, grid);
  if (view.layer === "difference") return byDifference(view, grid, evidence);
  if (view.colour === "baseline") return byBaseline(view, grid, evidence);
  return view.colour === "floor" ? byFloor(view, grid, evidence) : byBands(view, grid);
}
