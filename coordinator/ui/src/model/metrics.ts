// What can be chosen, and from which values on a colour changes. The bounds are absolute, the same for every link.
import type { Unit } from "./types";

export interface Metric {
  name: string;
  label: string;
  group: "Latency" | "Connect" | "Throughput";
  unit: Unit;
  /** Four bounds between five bands, from the best band to the worst. */
  bounds: readonly [number, number, number, number];
  higherIsBetter?: boolean;
}

const roundTrip = [0.01, 0.03, 0.1, 0.3] as const;
const oneWay = [0.005, 0.015, 0.05, 0.15] as const;
const spread = [0.001, 0.005, 0.02, 0.05] as const;
const lost = [0.001, 0.01, 0.02, 0.05] as const;
const rate = [5e8, 1e8, 2e7, 2e6] as const;

export const metrics: readonly Metric[] = [
  { name: "rtt", label: "Round trip", group: "Latency", unit: "s", bounds: roundTrip },
  { name: "delay", label: "One-way delay", group: "Latency", unit: "s", bounds: oneWay },
  { name: "delay_rise", label: "Delay above its least", group: "Latency", unit: "s", bounds: spread },
  { name: "loss", label: "Loss, one way", group: "Latency", unit: "ratio", bounds: lost },
  { name: "loss_rtt", label: "Loss, round trip", group: "Latency", unit: "ratio", bounds: lost },
  { name: "jitter", label: "Jitter", group: "Latency", unit: "s", bounds: spread },
  { name: "pdv", label: "Delay variation", group: "Latency", unit: "s", bounds: spread },
  { name: "reorder", label: "Reordered", group: "Latency", unit: "ratio", bounds: lost },
  { name: "duplicate", label: "Duplicated", group: "Latency", unit: "ratio", bounds: lost },
  { name: "rtt_host", label: "Round trip with own queue", group: "Latency", unit: "s", bounds: roundTrip },
  { name: "host_queue", label: "Own queue", group: "Latency", unit: "s", bounds: spread },
  { name: "connect", label: "Connect", group: "Connect", unit: "s", bounds: roundTrip },
  { name: "connect_clean", label: "Connect, no SYN resent", group: "Connect", unit: "s", bounds: roundTrip },
  { name: "handshake_rtt", label: "Handshake round trip", group: "Connect", unit: "s", bounds: roundTrip },
  { name: "resolve", label: "Name look-up", group: "Connect", unit: "s", bounds: roundTrip },
  { name: "connectivity", label: "Connectivity", group: "Connect", unit: "ratio",
    bounds: [0.9999, 0.99, 0.95, 0.8], higherIsBetter: true },
  { name: "throughput", label: "Throughput, steady", group: "Throughput", unit: "bit/s", bounds: rate,
    higherIsBetter: true },
  { name: "throughput_total", label: "Throughput, total", group: "Throughput", unit: "bit/s", bounds: rate,
    higherIsBetter: true },
  { name: "throughput_duplex", label: "Throughput, both ways at once", group: "Throughput", unit: "bit/s",
    bounds: rate, higherIsBetter: true },
  { name: "retransmits", label: "Segments resent", group: "Throughput", unit: "1", bounds: [1, 10, 100, 1000] },
  { name: "rtt_loaded", label: "Round trip under load", group: "Throughput", unit: "s", bounds: roundTrip },
  { name: "rtt_loaded_ratio", label: "Round trip, loaded / idle", group: "Throughput", unit: "1",
    bounds: [1.2, 2, 5, 10] },
  { name: "delay_loaded", label: "One way under load", group: "Throughput", unit: "s", bounds: roundTrip },
  { name: "delay_rise_loaded", label: "Rise of one way under load", group: "Throughput", unit: "s", bounds: spread },
  { name: "jitter_loaded", label: "Jitter under load", group: "Throughput", unit: "s", bounds: spread },
  { name: "loss_loaded", label: "Loss under load", group: "Throughput", unit: "ratio",
    bounds: [0.001, 0.01, 0.05, 0.2] },
  { name: "loss_rtt_loaded", label: "Loss of round trips under load", group: "Throughput", unit: "ratio",
    bounds: [0.001, 0.01, 0.05, 0.2] },
  { name: "reorder_loaded", label: "Reordering under load", group: "Throughput", unit: "ratio",
    bounds: [0.001, 0.01, 0.05, 0.2] },
  { name: "connect_loaded", label: "Connect under load", group: "Throughput", unit: "s", bounds: roundTrip },
];

export interface Choice {
  name: string;
  label: string;
}

const stats: readonly Choice[] = [
  { name: "p50", label: "median (p50)" },
  { name: "mean", label: "mean" },
  { name: "p5", label: "5th percentile (p5)" },
  { name: "p25", label: "25th percentile (p25)" },
  { name: "p75", label: "75th percentile (p75)" },
  { name: "p95", label: "95th percentile (p95)" },
  { name: "p99", label: "99th percentile (p99)" },
  { name: "min", label: "least" },
  { name: "max", label: "greatest" },
  { name: "stddev", label: "standard deviation" },
  { name: "last", label: "newest result" },
  { name: "ewma", label: "moving average (0.8/0.2)" },
  { name: "hmean", label: "harmonic mean" },
];

export const windows: readonly Choice[] = [
  { name: "5m", label: "5 minutes" },
  { name: "15m", label: "15 minutes" },
  { name: "1h", label: "1 hour" },
  { name: "6h", label: "6 hours" },
  { name: "24h", label: "24 hours" },
  { name: "7d", label: "7 days" },
];

const byName = new Map(metrics.map((metric) => [metric.name, metric]));

export function metricNamed(name: string): Metric | undefined {
  return byName.get(name);
}

export function statsOf(metric: Metric): readonly Choice[] {
  return metric.unit === "bit/s" ? stats : stats.filter((stat) => stat.name !== "hmean");
}

/** The median is shown first; of ratios it says little (the median of rare losses is 0), there it is the mean. */
export function firstStat(metric: Metric): string {
  return metric.unit === "ratio" ? "mean" : "p50";
}

/** A spread is no time to be judged by bounds for times. */
export function hasBands(stat: string): boolean {
  return stat !== "stddev";
}

/** 0 (best) to 4 (worst). */
export function bandOf(metric: Metric, value: number): number {
  return metric.bounds.filter((bound) => (metric.higherIsBetter ? value < bound : value >= bound)).length;
}
