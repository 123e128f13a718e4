// The page's models without a browser: what answers, choices and axes become. They are bundled as the page is, with the
// esbuild of its build folder.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** page_folder: build/page/files; its sources and tools lie beside it. */
async function loadModels(page_folder) {
  const work = resolve(page_folder, "..", "work");
  const { build } = (await import(pathToFileURL(join(work, "node_modules/esbuild/lib/main.js")).href)).default;
  const out = mkdtempSync(join(tmpdir(), "sonde-models-"));
  try {
    const names = readdirSync(join(work, "src/model")).filter((file) => file !== "types.ts").map((file) => file.replace(/\.ts$/, ""));
    const contents = names.map((name) => `export * as ${name} from "./src/model/${name}";`).join("\n");
    await build({ stdin: { contents, resolveDir: work, loader: "ts" }, bundle: true, format: "esm", platform: "neutral", outfile: join(out, "models.mjs"), logLevel: "error" });
    return await import(pathToFileURL(join(out, "models.mjs")).href);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The answer with a matrix over sites a, b, c, ... with value(from, to); null where there is none. */
function answerOf(sites, value, state = () => "ok") {
  const n = sites.length;
  const at = (of) => Array.from({ length: n * n }, (_, i) => (Math.floor(i / n) === i % n ? null : of(Math.floor(i / n), i % n)));
  return { mesh: "m", metric: "rtt", stat: "p50", unit: "s", window_s: 3600, at: "2026-01-05T12:00:00Z", sites,
    value: at(value), count: at(() => 100), age_s: at(() => 3), state: at(state) };
}

/** As it comes over the network, in parts of so many bytes. */
function readColumns(m, text, part = 1 << 20) {
  const reader = new m.columns.ColumnsReader();
  const bytes = new TextEncoder().encode(text);
  for (let from = 0; from < bytes.length; from += part) reader.push(bytes.subarray(from, from + part));
  return reader.end();
}

function gridOf(m, sites, value, state) {
  return new m.grid.Grid(readColumns(m, JSON.stringify(answerOf(sites, value, state))), 1000);
}

const nothing = { baseline: null, baselineWeeks: 0, other: null, sites: [] };

function numbersAreShort({ format }) {
  for (const [value, unit, words] of [[0.0009996, "s", "1.00 ms"], [0.0412, "s", "41.2 ms"], [0, "s", "0 ms"], [12.34, "s", "12.3 s"], [94.1e6, "bit/s", "94.1 Mbit/s"],
    [0.02, "ratio", "2 %"], [0.00002, "ratio", "0.002 %"], [999.6, "bit/s", "1.00 kbit/s"], [null, "s", "–"]]) assert.equal(format.inWords(value, unit), words);
  for (const unit of ["s", "bit/s", "ratio", "1"])
    for (let power = -9; power < 11; power += 0.37) {
      const words = format.compact(10 ** power, unit);
      if ((unit === "s" && power < 3) || unit === "bit/s" || (unit === "ratio" && power < 0)) assert.ok(words.length <= 5, `${10 ** power} ${unit}: ${words}`);
    }
  assert.equal(format.signedWords(-0.001, "s"), "−1.00 ms");
  assert.deepEqual([0, 59.9, 60, 7200, 200000].map(format.age), ["0 s", "59 s", "1 min", "2 h", "2 d"]);
}

function addressesHoldEverything({ view_state, metrics }) {
  const first = view_state.parseHash("");
  const all = [...metrics.metrics.map((metric) => ({ metric, stat: "p99" })), ...view_state.places.map((place) => ({ place })), ...view_state.orders.map((order) => ({ order })),
    ...view_state.layers.map((layer) => ({ layer })), ...view_state.colourModes.map((colour) => ({ colour })), ...view_state.spans.map((span) => ({ span })),
    ...view_state.siteOrders.map((sort) => ({ place: "sites", sort })), { place: "map", site: '<a href="x">' }, { fit: true }, { order: "group", folded: ["de", "a&b=c"] },
    { at: "2026-01-02T03:04:00.000Z", than: "7d" }, { than: "2026-01-02T03:04:00.000Z" }, { link: { from: "東京", to: "b #&?" }, back: "7d" }];
  for (const change of all) {
    const view = { ...first, ...change };
    assert.deepEqual(view_state.parseHash(view_state.formatHash(view)), view);
  }
}

function strangeAddressesAreHarmless({ view_state }) {
  const first = view_state.parseHash("");
  for (const hash of ["#metric=x&stat=%00&window=1y&order=up&colour=red&layer=8&span=z&place=nowhere&sort=none", "#from=a", "#from=a&to=a", "#at=yesterday", "#%%%", "#&&&==="])
    assert.deepEqual(view_state.parseHash(hash), first, hash);
}

function layoutsFit({ matrix_layout }) {
  for (const width of [360, 800, 1400, 3800])
    for (const n of [1, 2, 3, 8, 30, 100, 300]) {
      const room = { width, height: 700 };
      const whole = matrix_layout.layoutFor(room, n, n, 90, true);
      const least = whole.nameless ? 1 : 2;
      if (n * least + whole.rowHead < width) assert.ok(whole.rowHead + n * whole.cellWidth <= width, `${n} columns in ${width}`);
      if (n < 300) assert.ok(whole.columnHead + n * whole.cellHeight <= Math.max(700, n * 26 + 150), `${n} rows`);
      const usual = matrix_layout.layoutFor(room, n, n, 90);
      assert.ok(usual.cellWidth >= 16 && !usual.nameless);
      for (const layout of [whole, usual]) for (const size of Object.values(layout)) assert.ok(typeof size === "boolean" || (Number.isFinite(size) && size >= 0));
    }
}

function ordersAreWhole(m) {
  const sites = ["b10", "b9", "a", "c"];
  const grid = gridOf(m, sites, (from, to) => (from === 3 || to === 3 ? 0.5 : 0.001 * (1 + from)), (from, to) => (from === 3 || to === 3 ? "degraded" : "ok"));
  const known = sites.map((name, i) => ({ name, groups: [["x", "y", "x"][i] ?? ""].filter((group) => group !== ""), location: i === 3 ? null : [0, 10 - i] }));
  const view = m.view_state.parseHash("");
  const judge = m.judge.judgeFor(view, grid, nothing);
  const order = (name, more = {}) => m.axis.axisFor({ ...view, order: name, ...more }, grid, known, judge).map((entry) => entry.name);
  assert.deepEqual(order("given"), sites);
  assert.deepEqual(order("name"), ["a", "b9", "b10", "c"]);
  assert.deepEqual(order("place"), ["a", "b9", "b10", "c"]);
  assert.equal(order("worst")[0], "c");
  assert.deepEqual(order("similar").sort(), [...sites].sort());
  assert.deepEqual(order("group"), ["b10", "a", "b9", "c"]);
  assert.deepEqual(order("group", { folded: ["x"] }), ["x", "b9", "c"]);
  const [folded, , lonely] = m.axis.axisFor({ ...view, order: "group", folded: ["x"] }, grid, known, judge);
  const worst = m.axis.worstOf(grid, judge, m.axis.cellsBetween(grid, folded, lonely));
  assert.equal(grid.state(worst), "degraded", "a folded group hides nothing");
}

function coloursAreFair(m) {
  const view = m.view_state.parseHash("");
  const grid = gridOf(m, ["a", "b", "c"], (from, to) => [0.005, 0.02, 0.05, 0.2, 0.5, 0.01][from * 2 + (to > from ? to - 1 : to)], (from, to) => (from === 2 && to === 1 ? "stale" : "ok"));
  const bands = m.judge.judgeFor(view, grid, nothing);
  assert.deepEqual([1, 2, 3, 5, 6, 7].map((i) => bands.of(i).band), [0, 1, 2, 3, 4, -1]);
  const asymmetry = m.judge.judgeFor({ ...view, layer: "asymmetry" }, grid, nothing);
  assert.equal(asymmetry.of(1).shown, -asymmetry.of(3).shown);
  assert.equal(asymmetry.of(1).band + asymmetry.of(3).band, 4);
  assert.equal(asymmetry.of(5).band, -1, "the way back is stale");
  const usual = m.judge.judgeFor({ ...view, colour: "baseline" }, grid, { ...nothing, baseline: Float64Array.from(grid.value, (value, i) => (i === 2 ? NaN : value / 2)), baselineWeeks: 4 });
  assert.deepEqual([1, 2].map((i) => usual.of(i).band), [3, -1]);
  assert.match(usual.words(1), /usually 2\.50 ms/);
}

function deltasAreTaken(m) {
  const grid = gridOf(m, ["a", "b"], () => 0.01);
  const changed = grid.merge([{ from: "a", to: "b", value: 0.5, count: 7, age_s: 0, state: "degraded" }, { from: "a", to: "nobody", value: 1, count: 1, age_s: 0, state: "ok" }], 5000);
  assert.deepEqual(changed, [1]);
  assert.deepEqual([grid.value[1], grid.state(1), grid.few(1), grid.age(1, 8000)], [0.5, "degraded", true, 3]);
  grid.merge([{ from: "a", to: "b", value: null, count: 0, age_s: null, state: "a state of the future" }], 5000);
  assert.equal(grid.state(1), "never", "what is not known never looks good");
  const median = m.grid.medianOf([gridOf(m, ["b", "a"], () => 0.03), gridOf(m, ["a", "b"], () => 0.01), gridOf(m, ["a", "x"], () => 9)], grid);
  assert.equal(median[1], 0.02);
  assert.ok(Number.isNaN(m.grid.medianOf([gridOf(m, ["a", "x"], () => 9)], grid)[1]));
}

/** Every number is the one that JSON.parse gives, wherever the network cuts the text. */
function columnsAreRead(m) {
  const odd = [0.1, 1e-7, -12.5e3, 123456789012345680000, 0.12345678901234568, 9007199254740993, 5e-324, 1.7976931348623157e308, 0, -0.5, null, 94100000, 0.000001];
  const sites = ["a", 'b "]}', "東京 \\", "d", "ë"];
  const states = ["ok", "ok", "degraded", "a state of the future", "none", "agent_silent", "down", null];
  const answer = { ...answerOf(sites, (from, to) => odd[(from * 5 + to) % odd.length], (from, to) => states[(from + to) % states.length]), later: { more: ["]", { "x": [1] }] } };
  answer.error_s = answer.value.map(() => 0.0004);
  for (const text of [JSON.stringify(answer), JSON.stringify(answer, null, 2)])
    for (const part of [1, 2, 3, 7, 64, 1 << 20]) {
      const read = readColumns(m, text, part);
      assert.deepEqual(read.sites, sites);
      for (const [name, column] of Object.entries({ value: answer.value, count: answer.count, age_s: answer.age_s, error_s: answer.error_s }))
        column.forEach((wanted, i) => assert.ok(Object.is(read[name][i], wanted ?? NaN), `${name} ${i}: ${read[name][i]}, not ${wanted}, in parts of ${part}`));
      const grid = new m.grid.Grid(read, 0);
      answer.state.forEach((wanted, i) => {
        assert.equal(grid.has(i), wanted !== null);
        if (wanted !== null) assert.equal(grid.state(i), wanted.includes("future") ? "never" : wanted);
      });
    }
  const { sites: names, ...rest } = answer;
  assert.deepEqual([...readColumns(m, JSON.stringify({ ...rest, sites: names }), 64).count], [...readColumns(m, JSON.stringify(answer)).count], "names may come last");
  for (const text of ["", "[1]", "{", '{"sites":["a"]', '{"value":7,"sites":["a"]}', JSON.stringify(answer).slice(0, -1)]) assert.throws(() => readColumns(m, text), undefined, text);
}

function sitesAreFound({ find }) {
  const names = ["berlin", "Berlin-2", "São Paulo", "new berlin", "a → b", "b"];
  const of = (text, most = 8) => find.find(names, text, most).map((found) => (found.kind === "site" ? found.site : `${found.link.from}|${found.link.to}`));
  assert.deepEqual(of("BERLIN"), ["berlin", "Berlin-2", "new berlin"]);
  assert.deepEqual(of("sao"), ["São Paulo"]);
  assert.deepEqual(of("a → b"), ["a → b"], "a name with an arrow in it");
  assert.deepEqual(of("berlin → sao"), ["berlin|São Paulo", "Berlin-2|São Paulo", "new berlin|São Paulo"]);
  assert.deepEqual(of("new berlin sao", 1), ["new berlin|São Paulo"]);
  for (const text of ["", "  ", "nowhere", "nowhere berlin", "->", "("]) assert.deepEqual(of(text), [], text);
}

function headlinesSay(m) {
  const model = new m.mesh_model.MeshModel();
  const view = m.view_state.parseHash("");
  assert.equal(m.headline.headlineFor(model, view), "");
  const of = (state) => {
    model.replace(readColumns(m, JSON.stringify(answerOf(["a", "b", "c"], () => 0.01, state))), 0, false);
    return m.headline.headlineFor(model, view);
  };
  assert.equal(of(() => "ok"), "Round trip (p50, 1h) of 6 links: all ok. No incident is open.");
  assert.equal(of((from) => ["ok", "down", "none"][from]), "Round trip (p50, 1h) of 4 links: 2 ok, 2 down. No incident is open.");
  assert.equal(of(() => "none"), "Round trip: the policy has no such probe.");
}

function listsSort({ sites_model }) {
  const { sites } = sites_model.readSites({ sites: [{ name: "b", state: "ok", spooled: 3, probe_traffic: { days: 31, bytes: 2e9, budget: 1e9 }, clock_error_s: 0.001, last_heard: "2026-01-01T00:00:09Z" },
    { name: "a", state: "silent", spooled: 900, last_heard: "2026-01-01T00:00:00Z" }, { name: "c", state: "no_agent" }, 7, null] });
  const order = (by) => sites_model.sortedSites(sites.slice(0, 3), by).map((site) => site.name).join("");
  assert.deepEqual(["given", "name", "health", "heard", "spool", "clock"].map(order), ["bac", "abc", "abc", "abc", "abc", "abc"]);
  assert.deepEqual(sites_model.troubles(sites[0]), ["its budget of bytes is reached"]);
}

function nonsenseIsReadCalmly(m) {
  const readers = [m.sites_model.readSites, m.incidents.readIncidents, m.timetable_model.readTimetable, m.timetable_model.readAudit, m.link_data.readSeries, m.link_data.readHistogram,
    m.link_data.readProfile, m.link_data.readFindings, m.link_data.readDetours, m.link_data.readRun, m.demand.readDemand, (answer) => m.link_model.readLink(answer, { from: "a", to: "b" })];
  const nonsense = [null, 7, "x", [], {}, { sites: 7, incidents: [null], slots: [[]], points: {}, buckets: [1], hours: "x", findings: [{}], detours: [0], directions: [null], progress: 3 }];
  for (const read of readers) for (const answer of nonsense) read(answer);
}

function keysReachEveryCell({ walk }) {
  for (const n of [2, 3, 7]) {
    const last = { row: n - 1, column: n - 1 };
    const hasCell = ({ row, column }) => row !== column && row >= 0 && column >= 0 && row < n && column < n;
    const seen = new Set();
    const queue = [{ row: 0, column: 1 }];
    for (let at = queue.pop(); at; at = queue.pop()) {
      const key = `${at.row} ${at.column}`;
      assert.ok(hasCell(at), `${key} is no cell`);
      if (seen.has(key)) continue;
      seen.add(key);
      for (const name of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]) queue.push(walk.walk(at, name, last, hasCell));
    }
    assert.equal(seen.size, n * (n - 1));
  }
}

function slotsTakeTurns({ timetable_model }) {
  const plan = timetable_model.readTimetable({ epoch: "2026-01-01T00:00:00Z", throughput_every_s: 100, slots: [{ from: "b", to: "a", start_s: 95, length_s: 10 }, { from: "a", to: "b", start_s: 0, length_s: 4 }] });
  const at = (second) => timetable_model.turnsAt(plan, Date.parse("2026-01-01T00:00:00Z") + 1000 * second, 2);
  assert.deepEqual(at(502).running.map((turn) => turn.slot.from).sort(), ["a", "b"], "a slot of the interval before is still under way");
  assert.deepEqual(at(510).coming.map((turn) => turn.slot.from), ["b", "a"]);
  assert.deepEqual(at(510).coming.map((turn) => turn.starts_ms).map((at_ms) => (at_ms - Date.parse("2026-01-01T00:00:00Z")) / 1000), [595, 600]);
  assert.deepEqual(timetable_model.turnsAt(plan, Date.parse("2026-01-01T00:00:00Z"), 9, "c"), { running: [], coming: [] }, "not its own");
  assert.deepEqual(timetable_model.turnsAt({ ...plan, every_s: 0 }, 0, 2), { running: [], coming: [] });
}

function humpsStandApart({ link_data }) {
  const bucket = (low, count) => ({ low, high: low * 1.0202, count });
  const one = Array.from({ length: 8 }, (_, i) => bucket(0.01 * 1.0202 ** i, [2, 20, 60, 80, 60, 20, 6, 2][i]));
  const other = one.map(({ low, count }) => bucket(low * 2, count / 2));
  const of = (buckets) => ({ count: buckets.reduce((sum, { count }) => sum + count, 0), buckets, steps: [] });
  assert.equal(link_data.humps(of([])).length, 0);
  assert.equal(link_data.humps(of(one)).length, 1);
  assert.equal(link_data.humps(of([...one, bucket(0.09, 1)])).length, 1, "a single straggler is no hump");
  const both = link_data.humps(of([...one, ...other]));
  assert.equal(both.length, 2);
  assert.ok(Math.abs(both[1] / both[0] - 2) < 0.01);
  const spread = link_data.binned({ count: 4, buckets: [{ low: 0, high: 2, count: 3 }, { low: 3, high: 3, count: 1 }], steps: [] }, 0, 4, 4);
  assert.deepEqual(spread, [0.375, 0.375, 0, 0.25]);
  const read = link_data.readHistogram({ count: 3, buckets: one, steps: [{ count: 3, places: [[1, 3], [99, 1]] }] });
  assert.deepEqual(link_data.ofStep(read, read.steps[0]).buckets, [{ ...one[1], count: 3 }]);
}

function lightIsMeasured({ geo, projection }) {
  const [berlin, athens] = [[52.52, 13.4], [37.98, 23.73]];
  assert.ok(Math.abs(geo.distance_m(berlin, athens) - 1804e3) < 2e3);
  assert.ok(Math.abs(2 * geo.fibre_s(berlin, athens) - 0.0177) < 1e-4);
  assert.equal(geo.distance_m(berlin, berlin), 0);
  const across = geo.greatCircle([35, 140], [37, -122], 8);
  assert.ok(across.length === 9 && across[4][0] > 45, "over the north Pacific");
  for (const places of [[], [berlin], [berlin, athens], [[0, 179], [0, -179]]]) for (const x of projection.projectionFor(places, 800, 400).point(berlin)) assert.ok(Number.isFinite(x));
}

export async function modelChecks(page_folder) {
  const models = await loadModels(page_folder);
  return [["numbers are short and right", numbersAreShort], ["an address holds every choice", addressesHoldEverything], ["strange addresses are harmless", strangeAddressesAreHarmless],
    ["layouts fit from 1 to 300 sites", layoutsFit], ["every order shows every site once", ordersAreWhole], ["colours judge alike in both directions", coloursAreFair],
    ["deltas change their cells alone", deltasAreTaken], ["columns are read exactly, however they come", columnsAreRead], ["sites and links are found", sitesAreFound], ["the headline says how it is", headlinesSay], ["sites sort", listsSort], ["nonsense is read calmly", nonsenseIsReadCalmly], ["keys reach every cell", keysReachEveryCell],
    ["slots take turns", slotsTakeTurns], ["humps stand apart", humpsStandApart], ["light takes its time", lightIsMeasured]].map(([name, run]) => [`model: ${name}`, async () => run(models)]);
}
