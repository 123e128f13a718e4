// The stand-in's past and plans: series, histograms, profiles, explanations, detours, results, timetable, runs on demand.
// Made up from the same cells as its matrix; they hold still.
const minute = 60000;

function steps(query, count) {
  const at = Date.parse(query.at ?? new Date().toISOString());
  const amount = { "5m": 5, "15m": 15, "1h": 60, "6h": 360, "24h": 1440, "7d": 10080 }[query.window] ?? 60;
  const step_s = (amount * 60) / count;
  return Array.from({ length: count }, (_, i) => ({ start: new Date(at - (count - i) * step_s * 1000).toISOString(), step_s, i }));
}

export function series(mock, query, from, to) {
  const cell = mock.cell(query, from, to);
  const points = steps(query, 120).map(({ start, i }) => {
    const value = cell.value === null || i % 40 === 39 ? null : cell.value * (1 + 0.1 * Math.sin(i / 9) + (i > 80 && i < 90 ? 0.6 : 0));
    const part = (x) => (value === null ? null : value * x);
    return { start, count: value === null ? 0 : 50, p5: part(0.95), p50: value, p95: part(1.3), mean: part(1.04), min: part(0.9), max: part(2) };
  });
  return { ...mock.head(query), from, to, level: "raw", step_s: steps(query, 120)[0].step_s, points };
}

export function histogram(mock, query, from, to) {
  const { value, count } = mock.cell(query, from, to);
  const buckets = value === null ? [] : Array.from({ length: 40 }, (_, i) => {
    const low = value * (0.9 + i * 0.02);
    return { low, high: low * 1.0202, count: Math.max(1, Math.round(60 * Math.exp(-((i - 6) ** 2) / 20) + 25 * Math.exp(-((i - 26) ** 2) / 12))) };
  });
  const taking = (i) => buckets.flatMap((_, place) => ((place < 16) === (i % 40 < 20) ? [[place, buckets[place].count]] : []));
  const over = query.step === undefined || value === null ? {} : {
    step_s: 30, level: "raw",
    steps: steps(query, 120).map(({ start, i }) => ({ start, count: taking(i).reduce((sum, [, n]) => sum + n, 0), places: taking(i) })),
  };
  return { ...mock.head(query), from, to, count: value === null ? 0 : count, min: value, max: value, buckets, ...over };
}

export function profile(mock, query, from, to) {
  const { value } = mock.cell(query, from, to);
  const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
  const hours = days.flatMap((day, d) => Array.from({ length: 24 }, (_, hour) => {
    const x = value === null ? null : value * (1 + (d < 5 && hour > 7 && hour < 19 ? 0.4 : 0));
    return { day, hour, count: x === null ? 0 : 1000, p5: x, p50: x, p95: x, mean: x, min: x, max: x };
  }));
  return { ...mock.head(query), from, to, hours };
}

export function explain(mock, from, to) {
  const { state } = mock.cell({ metric: "rtt", stat: "p50", window: "1h" }, from, to);
  const findings = state === "ok" ? [{ code: "rtt", weight: "info", text: `The median round trip is 12 ms.`, figures: {} }]
    : [{ code: state, weight: state === "down" ? "bad" : "warning", text: `The link is ${state} (<b>made up</b>).`, figures: {} }];
  return { mesh: "europe", from, to, window_s: 3600, at: new Date().toISOString(), findings };
}

export function detours(mock) {
  const [a, b, c] = mock.names;
  const some = mock.names.length < 3 ? [] : [{ from: a, to: b, via: c, direct_s: 0.05, via_s: 0.04, gain_s: 0.01, gain_ratio: 0.2, hours: 24, held_ratio: 0.9 }];
  return { mesh: "europe", metric: "rtt", stat: "p50", unit: "s", window_s: 86400, at: new Date().toISOString(), detours: some };
}

export function results(mock, query) {
  const until = Date.parse(query.until ?? new Date().toISOString());
  return Array.from({ length: 60 }, (_, i) => {
    const outcome = i % 17 === 3 ? "timeout" : "ok";
    const probe = i % 20 === 0 ? "throughput" : i % 3 === 0 ? "connect" : "latency";
    const value = probe === "throughput" ? { throughput: 9e7 } : probe === "connect" ? { connect: 0.02 } : { rtt: 0.012 };
    const at = new Date(until - (60 - i) * minute / 2).toISOString();
    return { id: `${query.from}-1-${i}`, seq: i, probe, from: query.from, to: query.to, round: 1, scheduled_at: at, started_at: at, finished_at: at, outcome,
      ...(outcome === "ok" ? value : { reason: "no reply within 2 s <i>" }), counts: {}, tags: [], details: probe === "throughput" ? { limited_by: 1 } : {} };
  }).map((one) => JSON.stringify(one)).join("\n");
}

export function timetable(mock) {
  const pairs = mock.names.flatMap((from) => mock.names.filter((to) => to !== from).map((to) => ({ from, to })));
  const slots = pairs.slice(0, 200).map((pair, i) => ({ round: i, ...pair, start_s: i * 7, length_s: 6.5 }));
  return { mesh: "europe", generation: 3, effective_at: new Date().toISOString(), epoch: "2026-01-01T00:00:00Z", rounds: slots.length, cycle_s: slots.length * 7,
    throughput_every_s: 3600, autonomy_s: 86400,
    probes: { latency: { rate_per_s: 5, every_s: 10, timeout_s: 2 }, connect: { every_s: 30, timeout_s: 10 }, throughput: { every_s: 3600, duration_s: 5, max_duration_s: 60, max_bytes: 128000000, streams: 1 } },
    slots, phases: [] };
}

export function audit(mock) {
  const utilisation = Object.fromEntries(mock.names.map((name, i) => [name, { measured: 0.1 + 0.01 * i, planned: 0.2 + 0.01 * i }]));
  return { probe: "throughput", runs: 142, overlaps: 0, overlaps_within_clock_error: 0, missed: 1, busy: 0, skipped: 1, unreported: 0,
    start_error_s: { p50: 0.0004, p99: 0.003, max: 0.004 }, clock_error_s: 0.004, outcomes: { ok: 141, timeout: 1, skipped: 1 }, utilisation, uplinks: {},
    since: new Date(Date.now() - 86400000).toISOString(), until: new Date().toISOString(), generation: 3 };
}

/** Runs on demand: a state further at each question. */
export class Demands {
  runs = new Map();

  ask(body, authorization) {
    if (authorization !== "Bearer sesame") return [{ error: "this token is not known" }, 401];
    const id = String(1000 + this.runs.size);
    const run = { id, ...body, state: "queued", requested_at: new Date().toISOString(), scheduled_at: new Date(Date.now() + 500).toISOString(),
      wait_s: 0.5, length_s: 4.7, progress: { elapsed_s: 0, bytes: 0 }, reason: null, result: null };
    this.runs.set(id, { run, asked: 0 });
    return [run, 202];
  }

  answer(id) {
    const known = this.runs.get(id);
    if (!known) return [{ error: "no such run" }, 404];
    known.asked += 1;
    const { run, asked } = known;
    if (asked === 1) return [{ ...run, state: "running", progress: { elapsed_s: 2, bytes: 5000000 } }, 200];
    const result = { id: "x-1-1", probe: run.probe, from: run.from, to: run.to, outcome: "ok", finished_at: new Date().toISOString(),
      ...(run.probe === "latency" ? { rtt: 0.0123, loss_rtt: 0.02, distributions: { rtt: { min: 0.0119, max: 0.031 } } } : run.probe === "connect" ? { connect: 0.025 } : { throughput: 94.1e6 }),
      details: { bytes: 12345678, limited_by: 0 } };
    return [{ ...run, state: "done", result }, 200];
  }
}
