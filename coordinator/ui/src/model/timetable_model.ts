// GET /api/v1/timetable and its audit as the page needs them (docs/api.md). Pure.
import { fieldsOf, listOf, numberOf, textOf, timeOf } from "./fields";

export interface Slot {
  round: number;
  from: string;
  to: string;
  start_s: number;
  length_s: number;
}

export interface Timetable {
  generation: number;
  epoch_ms: number;
  every_s: number;
  cycle_s: number;
  rounds: number;
  /** In order of their start. */
  slots: Slot[];
  /** Of the longest slot. */
  longest_s: number;
  /** The policy in words' figures; null: no such probe. */
  latency: { rate_per_s: number; every_s: number } | null;
  connect_every_s: number | null;
}

export function readTimetable(answer: unknown): Timetable {
  const fields = fieldsOf(answer);
  const probes = fieldsOf(fields.probes);
  const latency = fieldsOf(probes.latency);
  const slots = listOf(fields.slots).map((item) => {
    const slot = fieldsOf(item);
    return {
      round: numberOf(slot.round) ?? 0, from: textOf(slot.from), to: textOf(slot.to),
      start_s: numberOf(slot.start_s) ?? 0, length_s: numberOf(slot.length_s) ?? 0,
    };
  });
  const rate = numberOf(latency.rate_per_s);
  return {
    generation: numberOf(fields.generation) ?? 0,
    epoch_ms: timeOf(fields.epoch) ?? 0,
    every_s: numberOf(fields.throughput_every_s) ?? 0,
    cycle_s: numberOf(fields.cycle_s) ?? 0,
    rounds: numberOf(fields.rounds) ?? 0,
    slots: slots.sort((a, b) => a.start_s - b.start_s),
    longest_s: slots.reduce((most, slot) => Math.max(most, slot.length_s), 0),
    latency: rate === null ? null : { rate_per_s: rate, every_s: numberOf(latency.every_s) ?? 0 },
    connect_every_s: numberOf(fieldsOf(probes.connect).every_s),
  };
}

export interface Turn {
  slot: Slot;
  starts_ms: number;
  ends_ms: number;
}

/** The first slot that begins at that second of the interval or later. */
function firstFrom(slots: readonly Slot[], second: number): number {
  let [low, high] = [0, slots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (slots[middle]!.start_s < second) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Which slots are under way at an instant, and which come next, at most so many and within one interval; `site`: only
 * those that it takes part in, empty: all. A large mesh has a million slots, so only those around the instant are looked at.
 */
export function turnsAt(timetable: Timetable, now_ms: number, next: number, site = ""): { running: Turn[]; coming: Turn[] } {
  const { slots, every_s, epoch_ms, longest_s } = timetable;
  const running: Turn[] = [];
  const coming: Turn[] = [];
  if (every_s <= 0 || slots.length === 0) return { running, coming };
  const period = Math.floor((now_ms - epoch_ms) / (1000 * every_s));
  const second = (now_ms - epoch_ms) / 1000 - period * every_s;
  const turnOf = (slot: Slot, k: number): Turn => {
    const starts_ms = epoch_ms + 1000 * (k * every_s + slot.start_s);
    return { slot, starts_ms, ends_ms: starts_ms + 1000 * slot.length_s };
  };
  const ours = (slot: Slot): boolean => site === "" || slot.from === site || slot.to === site;
  // A slot of the interval before may still be under way.
  for (const [k, now_s] of [[period - 1, second + every_s], [period, second]] as const) {
    for (let i = firstFrom(slots, now_s - longest_s); i < slots.length && slots[i]!.start_s <= now_s; i += 1)
      if (now_s < slots[i]!.start_s + slots[i]!.length_s && ours(slots[i]!)) running.push(turnOf(slots[i]!, k));
  }
  const first = firstFrom(slots, second);
  for (let n = 0; n < slots.length && coming.length < next; n += 1) {
    const i = (first + n) % slots.length;
    const turn = turnOf(slots[i]!, first + n < slots.length ? period : period + 1);
    if (turn.starts_ms > now_ms && ours(turn.slot)) coming.push(turn);
  }
  return { running, coming };
}

export interface Usage {
  name: string;
  /** Shares of the time, 0 to 1. */
  measured: number | null;
  planned: number | null;
}

export interface Audit {
  runs: number;
  overlaps: number | null;
  missed: number;
  busy: number;
  skipped: number;
  unreported: number;
  start_p50_s: number | null;
  start_p99_s: number | null;
  start_max_s: number | null;
  clock_error_s: number | null;
  sites: Usage[];
  uplinks: Usage[];
}

function usages(value: unknown): Usage[] {
  return Object.entries(fieldsOf(value)).map(([name, one]) => {
    const fields = fieldsOf(one);
    return { name, measured: numberOf(fields.measured), planned: numberOf(fields.planned) };
  });
}

export function readAudit(answer: unknown): Audit {
  const fields = fieldsOf(answer);
  const start = fieldsOf(fields.start_error_s);
  return {
    runs: numberOf(fields.runs) ?? 0, overlaps: numberOf(fields.overlaps), missed: numberOf(fields.missed) ?? 0,
    busy: numberOf(fields.busy) ?? 0, skipped: numberOf(fields.skipped) ?? 0, unreported: numberOf(fields.unreported) ?? 0,
    start_p50_s: numberOf(start.p50), start_p99_s: numberOf(start.p99), start_max_s: numberOf(start.max),
    clock_error_s: numberOf(fields.clock_error_s), sites: usages(fields.utilisation), uplinks: usages(fields.uplinks),
  };
}
