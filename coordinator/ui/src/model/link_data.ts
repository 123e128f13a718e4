// Series, histogram, profile, explanation, detours and results as the page needs them (docs/api.md). Pure.
import { fieldsOf, listOf, numberOf, textOf, timeOf, type Fields } from "./fields";
import type { Link, Unit } from "./types";

export interface Point {
  /** The end of the step, milliseconds since 1970. */
  at_ms: number;
  count: number;
  p5: number | null;
  p50: number | null;
  p95: number | null;
  mean: number | null;
}

export interface Series {
  step_s: number;
  points: Point[];
}

export function readSeries(answer: unknown): Series {
  const fields = fieldsOf(answer);
  const step_s = numberOf(fields.step_s) ?? 1;
  const points = listOf(fields.points).map((item) => {
    const point = fieldsOf(item);
    return {
      at_ms: (timeOf(point.start) ?? 0) + 1000 * step_s, count: numberOf(point.count) ?? 0,
      p5: numberOf(point.p5), p50: numberOf(point.p50), p95: numberOf(point.p95), mean: numberOf(point.mean),
    };
  });
  return { step_s, points: points.sort((a, b) => a.at_ms - b.at_ms) };
}

export interface Histogram {
  count: number;
  buckets: { low: number; high: number; count: number }[];
  /** The same over time, oldest first; how many samples each of the buckets above has, by its place. */
  steps: { count: number; places: readonly (readonly [place: number, count: number])[] }[];
}

export function readHistogram(answer: unknown): Histogram {
  const fields = fieldsOf(answer);
  return {
    count: numberOf(fields.count) ?? 0,
    buckets: listOf(fields.buckets).map((item) => {
      const bucket = fieldsOf(item);
      return { low: numberOf(bucket.low) ?? 0, high: numberOf(bucket.high) ?? 0, count: numberOf(bucket.count) ?? 0 };
    }),
    steps: listOf(fields.steps).map((item) => {
      const step = fieldsOf(item);
      const places = listOf(step.places).map((pair) => [numberOf(listOf(pair)[0]) ?? -1, numberOf(listOf(pair)[1]) ?? 0] as const);
      return { count: numberOf(step.count) ?? 0, places };
    }),
  };
}

/** One step of a histogram as a histogram of its own. */
export function ofStep(histogram: Histogram, step: Histogram["steps"][number]): Histogram {
  const buckets = step.places.flatMap(([place, count]) => {
    const bucket = histogram.buckets[place];
    return bucket ? [{ low: bucket.low, high: bucket.high, count }] : [];
  });
  return { count: step.count, buckets, steps: [] };
}

/**
 * Humps of a distribution that stand apart, by the value of their highest bucket, lowest first: between them a bucket
 * or more is as good as empty (under 2 % of the highest), and each holds a tenth of the samples.
 */
export function humps(histogram: Histogram): number[] {
  const most = Math.max(...histogram.buckets.map((bucket) => bucket.count), 0);
  const found: { peak: number; height: number; mass: number; end: number }[] = [];
  for (const bucket of histogram.buckets) {
    if (bucket.count < 0.02 * most) continue;
    const last = found[found.length - 1];
    const middle = (bucket.low + bucket.high) / 2;
    if (last === undefined || bucket.low > last.end * 1.01) {
      found.push({ peak: middle, height: bucket.count, mass: bucket.count, end: bucket.high });
      continue;
    }
    if (bucket.count > last.height) [last.height, last.peak] = [bucket.count, middle];
    last.mass += bucket.count;
    last.end = bucket.high;
  }
  return found.filter((hump) => hump.mass >= 0.1 * histogram.count).map((hump) => hump.peak);
}

/** Where 99.5 % of the samples lie, so that one outlier does not squeeze the picture; null without samples. */
export function bulkOf(histograms: readonly Histogram[]): { low: number; high: number; beyond: number } | null {
  const buckets = histograms.flatMap((one) => one.buckets).sort((a, b) => a.low - b.low);
  const all = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  if (all === 0) return null;
  const low = buckets[0]!.low;
  let below = 0;
  for (const bucket of buckets) {
    below += bucket.count;
    if (below >= 0.995 * all) return { low, high: bucket.high, beyond: all - below };
  }
  return { low, high: buckets[buckets.length - 1]!.high, beyond: 0 };
}

/** Shares of the samples in equal steps between low and high; a bucket is spread evenly over what it spans. */
export function binned(histogram: Histogram, low: number, high: number, bins: number): number[] {
  const shares = Array.from({ length: bins }, () => 0);
  if (histogram.count === 0) return shares;
  const width = (high - low) / bins || 1;
  for (const bucket of histogram.buckets) {
    const [first, last] = [bucket.low, bucket.high].map((value) => (value - low) / width) as [number, number];
    if (last < 0 || first > bins) continue;
    const [from, to] = [first, last].map((place) => Math.max(0, Math.min(bins - 1, Math.floor(place)))) as [number, number];
    for (let bin = from; bin <= to; bin += 1) {
      const part = last > first ? (Math.min(last, bin + 1) - Math.max(first, bin)) / (last - first) : 1;
      shares[bin]! += (Math.max(0, part) * bucket.count) / histogram.count;
    }
  }
  return shares;
}

export interface HourOfWeek {
  count: number;
  p50: number | null;
  p95: number | null;
  mean: number | null;
}

/** 168 hours from Monday 0:00 UTC. */
export function readProfile(answer: unknown): HourOfWeek[] {
  return listOf(fieldsOf(answer).hours).map((item) => {
    const hour = fieldsOf(item);
    return { count: numberOf(hour.count) ?? 0, p50: numberOf(hour.p50), p95: numberOf(hour.p95), mean: numberOf(hour.mean) };
  });
}

export interface Finding {
  code: string;
  weight: string;
  text: string;
}

export function readFindings(answer: unknown): Finding[] {
  return listOf(fieldsOf(answer).findings).map((item) => {
    const finding = fieldsOf(item);
    return { code: textOf(finding.code), weight: textOf(finding.weight), text: textOf(finding.text) };
  }).filter((finding) => finding.text !== "");
}

export interface Detour extends Link {
  via: string;
  direct_s: number;
  via_s: number;
  gain_ratio: number;
  held: number | null;
}

export function readDetours(answer: unknown): Detour[] {
  return listOf(fieldsOf(answer).detours).map((item) => {
    const one = fieldsOf(item);
    return {
      from: textOf(one.from), to: textOf(one.to), via: textOf(one.via), direct_s: numberOf(one.direct_s) ?? 0,
      via_s: numberOf(one.via_s) ?? 0, gain_ratio: numberOf(one.gain_ratio) ?? 0, held: numberOf(one.held_ratio),
    };
  });
}

export interface Run {
  id: string;
  from: string;
  to: string;
  probe: string;
  finished_ms: number;
  started_ms: number | null;
  outcome: string;
  reason: string;
  tags: string[];
  values: Fields;
  details: Fields;
}

export function readRun(item: unknown): Run {
  const run = fieldsOf(item);
  return {
    id: textOf(run.id), from: textOf(run.from), to: textOf(run.to), probe: textOf(run.probe),
    finished_ms: timeOf(run.finished_at) ?? 0, started_ms: timeOf(run.started_at),
    outcome: textOf(run.outcome), reason: textOf(run.reason),
    tags: listOf(run.tags).map(textOf), values: run, details: fieldsOf(run.details),
  };
}

export const outcomes = ["ok", "refused", "timeout", "unreachable", "reset", "dns_failed", "busy", "skipped"] as const;

/** How many runs ended how, in equal steps of time. */
export function outcomesInTime(runs: readonly Run[], since_ms: number, until_ms: number, steps: number): number[][] {
  const counts = Array.from({ length: steps }, () => outcomes.map(() => 0));
  for (const run of runs) {
    const step = Math.floor(((run.finished_ms - since_ms) / (until_ms - since_ms)) * steps);
    const kind = outcomes.findIndex((name) => name === run.outcome);
    const row = counts[step];
    if (row && kind >= 0) row[kind]! += 1;
  }
  return counts;
}

/** By the numbers of the detail `limited_by` (docs/measurements.md); the last one: not known. */
const limits = ["limited by the path", "limited by the receiver's window", "limited by the sender's buffer", "limited by the sending agent"];

/** Why a throughput run was no faster; empty: not known. */
export function limitOf(run: Run): string {
  return limits[numberOf(run.details.limited_by) ?? -1] ?? "";
}

/** The main number of a run. */
export function headline(run: Run): { value: number; unit: Unit } | null {
  const of = (name: string, unit: Unit): { value: number; unit: Unit } | null => {
    const value = numberOf(run.values[name]);
    return value === null ? null : { value, unit };
  };
  if (run.probe === "latency") return of("rtt", "s") ?? of("rtt_loaded", "s");
  if (run.probe === "connect") return of("connect", "s") ?? of("connect_loaded", "s");
  return of("throughput", "bit/s") ?? of("throughput_total", "bit/s") ?? of("throughput_duplex", "bit/s");
}
