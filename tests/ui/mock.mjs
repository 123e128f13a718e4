// A stand-in for the coordinator that speaks docs/api.md, for work on the page and for its tests:
//   node tests/ui/mock.mjs PAGE_FOLDER [--sites N] [--port P] [--states]
// Values are made up but hold still; `change` and `silence` let a test move them.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as past from "./mock_past.mjs";
import { Quiet } from "./mock_quiet.mjs";

const units = {
  rtt: "s", delay: "s", delay_rise: "s", loss: "ratio", loss_rtt: "ratio", jitter: "s", pdv: "s", reorder: "ratio",
  duplicate: "ratio", rtt_host: "s", host_queue: "s", connect: "s", connect_clean: "s", handshake_rtt: "s", resolve: "s",
  connectivity: "ratio", throughput: "bit/s", throughput_total: "bit/s", throughput_duplex: "bit/s", retransmits: "1",
  rtt_loaded: "s", rtt_loaded_ratio: "1", delay_loaded: "s", delay_rise_loaded: "s", jitter_loaded: "s",
  loss_loaded: "ratio", loss_rtt_loaded: "ratio", reorder_loaded: "ratio", connect_loaded: "s",
};
const ratio_scale = { loss: 0.01, loss_rtt: 0.015, reorder: 0.002, duplicate: 0.001 };
const second_scale = { delay: 0.5, jitter: 0.02, pdv: 0.05, delay_rise: 0.04, host_queue: 0.0005, resolve: 0.1 };
const stat_factor = { p5: 0.8, p25: 0.9, p50: 1, p75: 1.15, p95: 1.6, p99: 2.4, mean: 1.08, min: 0.75, max: 4, stddev: 0.2, last: 1.02, ewma: 1.03, hmean: 0.97 };
const towns = ["berlin", "athens", "gdansk", "lisbon", "oslo", "paris", "vienna", "zurich", "dublin", "madrid", "rome", "prague",
  "warsaw", "helsinki", "riga", "vilnius", "tallinn", "sofia", "zagreb", "bern", "brussels", "hamburg", "munich", "lyon",
  "porto", "milan", "turin", "bergen", "malmo", "krakow"];
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function noise(text) {
  let h = 2166136261;
  for (const char of text) h = Math.imul(h ^ char.charCodeAt(0), 16777619);
  h ^= h >>> 13;
  return ((Math.imul(h, 1540483477) >>> 0) % 100000) / 100000;
}

export class Mock {
  constructor({ folder, sites = 3, states = false, names = null }) {
    this.folder = folder;
    this.states = states;
    this.names = names ?? Array.from({ length: sites }, (_, i) => (i < towns.length ? towns[i] : `site-${i + 1}`));
    this.changed = new Map();
    this.silent = new Set(states && sites > 8 ? [this.names[5]] : []);
    this.streams = new Set();
    this.sockets = new Set();
    this.incidents = [];
    this.demands = new past.Demands();
    this.quiet = new Quiet();
  }

  async start(port = 0) {
    this.server = createServer((request, response) => this.answer(request, response));
    this.server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.timer = setInterval(() => this.beat(), 2000);
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}/`;
  }

  async stop() {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  stateOf(metric, from, to) {
    if (this.silent.has(from)) return "agent_silent";
    if (!this.states) return "ok";
    const n = noise(`state ${from} ${to}`);
    if (metric === "throughput_duplex") return "none";
    if (metric === "delay" && n > 0.9) return "unsynced";
    const some = [[0.03, "down"], [0.06, "stale"], [0.09, "never"], [0.13, "degraded"], [0.15, "paused"]];
    return some.find(([bound]) => n < bound)?.[1] ?? "ok";
  }

  cell(query, from, to) {
    const { metric, stat } = query;
    const key = `${from} ${to}`;
    const base = 0.006 + 0.09 * noise([from, to].sort().join(" ")) ** 1.6 + 0.002 * noise(key);
    const unit = units[metric];
    let value = unit === "s" ? base * (second_scale[metric] ?? 1)
      : unit === "bit/s" ? 10 ** (7.2 + 2 * noise(`rate ${key}`))
      : metric === "connectivity" ? 1 - 0.02 * Math.max(0, noise(`up ${key}`) - 0.6)
      : unit === "ratio" ? Math.max(0, noise(`loss ${metric} ${key}`) - 0.55) * (ratio_scale[metric] ?? 0.01) * 4
      : metric === "retransmits" ? Math.floor(200 * noise(`resent ${key}`) ** 3) : 1 + 3 * noise(`loaded ${key}`) ** 2;
    value *= (stat_factor[stat] ?? 1) * (1 + 0.1 * noise(`${query.window} ${key}`));
    if (metric === "connectivity") value = Math.min(1, value);
    value = this.changed.get(`${metric} ${key}`) ?? value;
    const state = this.stateOf(metric, from, to);
    const none = ["never", "none", "unsynced"].includes(state) || (state === "down" && noise(key) < 0.5);
    const cell = {
      from, to, value: none ? null : value, count: none ? 0 : 40 + Math.floor(1750 * noise(`count ${key}`)),
      age_s: state === "never" || state === "none" ? null : state === "ok" || state === "degraded" ? 9 * noise(`age ${key}`) : 94, state,
    };
    if (this.states && noise(`few ${key}`) < 0.04) cell.count = 7;
    if (cell.count < 20) cell.few = true;
    if (metric === "delay") cell.error_s = 0.0004;
    return cell;
  }

  matrix(query) {
    if (query.layout === "columns") return this.columns(query);
    return { mesh: "europe", ...this.head(query), sites: this.names,
      cells: this.names.flatMap((from) => this.names.filter((to) => to !== from).map((to) => this.cell(query, from, to))) };
  }

  columns(query) {
    const answer = { mesh: "europe", ...this.head(query), at: query.at ?? new Date().toISOString(), sites: this.names, value: [], count: [], age_s: [], state: [] };
    if (query.metric === "delay") answer.error_s = [];
    const early = query.at ? 1 + 0.4 * noise(`then ${query.at.slice(0, 10)}`) : 1;
    for (const from of this.names)
      for (const to of this.names) {
        const cell = from === to ? null : this.cell(query, from, to);
        answer.value.push(cell === null || cell.value === null ? null : cell.value * (units[query.metric] === "s" ? early : 1));
        for (const key of ["count", "age_s", "state", "error_s"]) answer[key]?.push(cell?.[key] ?? null);
      }
    return answer;
  }

  head(query) {
    return { metric: query.metric, stat: query.stat, unit: units[query.metric], window_s: 3600, at: new Date().toISOString() };
  }

  sites() {
    const now = Date.now();
    const sites = this.names.map((name, i) => ({
      name, location: [37 + 22 * noise(`latitude ${name}`), -9 + 34 * noise(`longitude ${name}`)], groups: [["north", "south", "east"][i % 3]], uplink: null,
      measurer: { send_lateness_s: { p50: 0.00004, p99: 0.0002, max: 0.001 }, slot_lateness_s: { p50: 0.0001, p99: 0.0003, max: 0.0004 },
        hold_s: { p50: 0.00001, p99: 0.00003, max: 0.0002 }, socket_drops: 0, lost_stamps: 0, results_dropped: 0, results_starved: 0, cpu_pressure: 0.01, real_time: true },
       addresses: ["192.0.2.1"], agent: true, state: this.silent.has(name) ? "silent" : "ok",
      last_heard: new Date(now - (this.silent.has(name) ? 94000 : 400)).toISOString(), version: "0.1.0",
      spooled: this.silent.has(name) ? 132 : 0, results: Math.floor(4000 * noise(`results ${name}`)),
      probe_traffic: { days: 31, bytes: Math.floor(9e9 * noise(`traffic ${name}`)), budget: i === 1 ? 5e6 : null },
      clock_offset_s: (noise(`clock ${name}`) - 0.5) * 0.002, clock_error_s: 0.0004, cpu_pressure: 0,
    }));
    return { mesh: "europe", at: new Date(now).toISOString(), agents: sites.length, heard: sites.length - this.silent.size, sites };
  }

  link(from, to) {
    const direction = (a, b) => ({ from: a, to: b, cells: Object.fromEntries(Object.keys(units).map((metric) => {
      const stat = units[metric] === "ratio" ? "mean" : "p50";
      const { from: _from, to: _to, ...cell } = this.cell({ metric, stat, window: "1h" }, a, b);
      return [metric, { stat, unit: units[metric], ...cell }];
    })) });
    return { mesh: "europe", from, to, window_s: 3600, at: new Date().toISOString(), distance_m: 1803000, efficiency: { fibre_rtt_s: 0.0177, rtt_min_s: 0.031, ratio: 0.57 }, asymmetry: { rtt: { difference: 0.001, ratio: 0.03 } },
      directions: [direction(from, to), direction(to, from)] };
  }

  /** Opens an incident; every stream hears of it. */
  raise(incident) {
    this.incidents.push(incident);
    for (const stream of this.streams) this.write(stream, "incidents", { incidents: this.incidents });
  }

  /** A new result on one link: every stream that looks at the metric hears of it. */
  change(metric, from, to, value) {
    this.changed.set(`${metric} ${from} ${to}`, value);
    for (const stream of this.streams) if (stream.query.metric === metric) this.say(stream, [[from, to]]);
  }

  silence(site) {
    this.silent.add(site);
    for (const stream of this.streams) {
      this.write(stream, "sites", this.sites());
      this.say(stream, this.names.filter((to) => to !== site).map((to) => [site, to]));
    }
  }

  say(stream, pairs) {
    this.write(stream, "cells", { ...this.head(stream.query), cells: pairs.map(([from, to]) => this.cell(stream.query, from, to)) });
  }

  write(stream, event, data) {
    stream.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  beat() {
    for (const stream of this.streams) this.write(stream, "sites", this.sites());
  }

  answer(request, response) {
    const url = new URL(request.url, "http://mock");
    response.setHeader("Content-Security-Policy", policy);
    response.setHeader("X-Content-Type-Options", "nosniff");
    const query = { metric: "rtt", stat: "p50", window: "1h", ...Object.fromEntries(url.searchParams) };
    const json = (body, status = 200) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const link = /^\/api\/v1\/links\/([^/]+)\/([^/]+)(?:\/([a-z]+))?$/.exec(url.pathname)?.slice(1);
    if (link) return this.answerLink(decodeURIComponent(link[0]), decodeURIComponent(link[1]), link[2], query, json);
    if (url.pathname.startsWith("/api/v1/probes"))
      return this.withBody(request, (body) => json(...(request.method === "GET" ? this.demands.answer(url.pathname.split("/").pop()) : this.demands.ask(body, request.headers.authorization))));
    if (url.pathname.startsWith("/api/v1/silences") || url.pathname.endsWith("/acknowledge"))
      return this.withBody(request, (body) => json(...this.quiet.answer(request.method, url.pathname, request.headers.authorization, body, this)));
    const plain = { "/api/v1/incidents": () => ({ incidents: this.incidents }), "/api/v1/detours": () => past.detours(this),
      "/api/v1/timetable": () => past.timetable(this), "/api/v1/timetable/audit": () => past.audit(this) }[url.pathname];
    if (plain) return json(plain());
    if (url.pathname === "/api/v1/results") return response.writeHead(200, { "Content-Type": "application/x-ndjson" }).end(past.results(this, query));
    if (url.pathname === "/api/v1/matrix") return units[query.metric] ? json(this.matrix(query)) : json({ error: "unknown metric" }, 404);
    if (url.pathname === "/api/v1/sites") return json(this.sites());
    if (url.pathname === "/api/v1/events") return this.stream(query, request, response);
    return this.file(url.pathname === "/" ? "/index.html" : url.pathname, response);
  }

  answerLink(from, to, what, query, json) {
    const strange = [from, to].find((site) => !this.names.includes(site));
    if (strange !== undefined) return json({ error: `unknown site '${strange}'` }, 404);
    if (!what) return json(this.link(from, to));
    return json(what === "explain" ? past.explain(this, from, to) : past[what](this, query, from, to));
  }

  withBody(request, use) {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => use(body === "" ? {} : JSON.parse(body)));
  }

  stream(query, request, response) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const stream = { query, response };
    this.streams.add(stream);
    request.on("close", () => this.streams.delete(stream));
    this.write(stream, "sites", this.sites());
  }

  file(path, response) {
    try {
      if (!/^\/[a-z.]+$/.test(path)) throw new Error("no such file");
      const bytes = readFileSync(join(this.folder, path));
      response.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream" });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...rest] = process.argv.slice(2);
  const after = (flag, otherwise) => (rest.includes(flag) ? Number(rest[rest.indexOf(flag) + 1]) : otherwise);
  const mock = new Mock({ folder, sites: after("--sites", 3), states: rest.includes("--states") });
  console.log(await mock.start(after("--port", 0)));
}
