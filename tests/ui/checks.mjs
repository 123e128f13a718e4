// The checks of the page. Each takes {page, problems, base} and throws where the page is wrong.
import assert from "node:assert/strict";

export async function api(base, path) {
  const response = await fetch(new URL(path, base));
  assert.equal(response.status, 200, `${path} answers ${response.status}`);
  return response.json();
}

/** Repeats until it holds: the page follows the coordinator, it is not in step with this program. */
export async function eventually(what, check, patience_ms = 20000) {
  const end = Date.now() + patience_ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }
}

/** A mesh that has just begun: until every link has a round trip and a connection. */
export async function measured(base) {
  for (const metric of ["rtt", "connect"])
    await eventually(`${metric} of every link`, async () => {
      const { cells } = await api(base, `/api/v1/matrix?metric=${metric}`);
      assert.ok(cells.length > 0 && cells.every(({ value }) => value !== null), "some have no value");
    }, 90000);
}

export function shownCells(page) {
  return page.$$eval("#cells td[data-from]", (cells) => cells.map((cell) => ({
    from: cell.dataset.from, to: cell.dataset.to, state: cell.dataset.state, band: Number(cell.dataset.band),
    value: cell.dataset.value === undefined ? null : Number(cell.dataset.value), text: cell.textContent,
  })));
}

function queryOf(url) {
  const hash = new URLSearchParams(new URL(url).hash.slice(1));
  return new URLSearchParams({ metric: hash.get("metric") ?? "rtt", stat: hash.get("stat") ?? "p50", window: hash.get("window") ?? "1h" });
}

export async function cellsEqualApi({ page, base }) {
  await eventually("cells", async () => {
    const answer = await api(base, `/api/v1/matrix?${queryOf(page.url())}`);
    const shown = await shownCells(page);
    assert.ok(shown.length > 0, "no cell is shown");
    const wanted = new Map(answer.cells.map((cell) => [`${cell.from} ${cell.to}`, cell]));
    for (const cell of shown) {
      const want = wanted.get(`${cell.from} ${cell.to}`);
      assert.ok(want, `${cell.from} -> ${cell.to} is shown but not in the API`);
      assert.equal(cell.state, want.state, `state of ${cell.from} -> ${cell.to}`);
      assert.equal(cell.value, want.value, `value of ${cell.from} -> ${cell.to}`);
    }
    return shown.length;
  });
}

export async function loads({ page, base }) {
  const answer = await api(base, "/api/v1/matrix");
  assert.equal(await page.textContent("#mesh"), answer.mesh);
  assert.match(await page.title(), new RegExp(answer.mesh));
  const heads = await page.$$eval(".column-heads .name", (names) => names.map((name) => name.textContent));
  assert.deepEqual(heads, answer.sites);
}

export async function liveShown({ page }) {
  await page.waitForSelector('#connection[data-connection="live"]', { timeout: 10000 });
  assert.match(await page.textContent("#heard"), /^\d+\/\d+ sites heard$/);
  assert.match(await page.textContent("#updated"), /^\d\d:\d\d:\d\d$/);
}

export async function selectorsWork({ page, base }) {
  for (const [id, value] of [["metric", "connect"], ["stat", "p95"], ["window", "5m"], ["metric", "loss"], ["metric", "throughput"],
    ["stat", "hmean"], ["metric", "delay"], ["metric", "rtt"], ["stat", "p50"], ["window", "1h"]]) {
    await page.selectOption(`#${id}`, value);
    await page.waitForFunction(([key, text]) => new URLSearchParams(location.hash.slice(1)).get(key) === text, [id, value]);
    await cellsEqualApi({ page, base });
  }
  const options = await page.$$eval("#metric option", (all) => all.map((option) => option.value));
  for (const metric of options) await api(base, `/api/v1/matrix?metric=${metric}`);
}

export async function selectorChangesCanvas({ page }) {
  const picture = () => page.$eval(".plane canvas", (canvas) => canvas.toDataURL());
  const before = await picture();
  await page.selectOption("#metric", "connectivity");
  await eventually("canvas", async () => assert.notEqual(await picture(), before, "the picture did not change"));
  await page.selectOption("#metric", "rtt");
}

export async function legendComplete({ page }) {
  const bands = await page.$$eval("#legend .bands li", (all) => all.map((item) => item.textContent));
  assert.equal(bands.length, 5);
  const states = await page.$$eval("#legend .states li", (all) => all.map((item) => item.textContent));
  for (const state of ["few samples", "degraded", "stale", "down", "agent silent", "paused", "never measured", "no probe"])
    assert.ok(states.includes(state), `the legend lacks "${state}"`);
}

export async function legendSwatchesDiffer({ page }) {
  const pictures = await page.$$eval("#legend canvas", (all) => all.map((canvas) => canvas.toDataURL()));
  assert.equal(new Set(pictures).size, pictures.length, "two signs of the legend look the same");
}

export async function hoverTells({ page }) {
  const [cell] = await shownCells(page);
  const box = await page.$eval(".plane", (plane, to) => {
    const { left, top } = plane.getBoundingClientRect();
    const names = [...document.querySelectorAll(".column-heads .name")].map((name) => name.textContent);
    const { width, height } = plane.getBoundingClientRect();
    const rows = document.querySelectorAll(".row-heads .site").length;
    return { x: left + ((names.indexOf(to) + 0.5) * width) / names.length, y: top + (0.5 * height) / rows };
  }, cell.to);
  await page.mouse.move(box.x, box.y);
  await page.waitForSelector("#tooltip:not([hidden])");
  const text = await page.textContent("#tooltip");
  assert.ok(text.includes(`${cell.from} → ${cell.to}`), `tooltip says "${text}"`);
  for (const word of ["samples", "newest", "state"]) assert.ok(text.includes(word), `tooltip lacks ${word}`);
  await page.mouse.move(2, 2);
  await page.waitForSelector("#tooltip", { state: "hidden" });
}

export async function keysWork({ page, base }) {
  await page.focus("#pin");
  await page.keyboard.press("Tab");
  await page.waitForSelector("#tooltip:not([hidden])");
  const first = await page.textContent("#spoken");
  await page.keyboard.press("ArrowDown");
  await eventually("arrow", async () => assert.notEqual(await page.textContent("#spoken"), first));
  await page.keyboard.press("Enter");
  await page.waitForSelector("#panel:not([hidden])");
  await panelEqualsApi({ page, base });
  await page.keyboard.press("Escape");
  await page.waitForSelector("#panel", { state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.className), "plane", "focus returns to the matrix");
}

async function panelEqualsApi({ page, base }) {
  const hash = new URLSearchParams(new URL(page.url()).hash.slice(1));
  const [from, to] = [hash.get("from"), hash.get("to")];
  assert.ok(from && to, "the link is in the URL");
  const link = await api(base, `/api/v1/links/${encodeURIComponent(from)}/${encodeURIComponent(to)}`);
  const measured = Object.entries(link.directions[0].cells).filter(([, cell]) => cell.state !== "none").map(([metric]) => metric);
  await page.waitForSelector("#panel-body tr[data-metric]");
  const rows = await page.$$eval("#panel-body tr[data-metric]", (all) =>
    all.map((row) => ({ metric: row.dataset.metric, values: [...row.querySelectorAll(".value")].map((value) => value.textContent) })));
  for (const metric of measured) assert.ok(rows.some((row) => row.metric === metric), `the panel lacks ${metric}`);
  const rtt = rows.find((row) => row.metric === "rtt");
  const cell = link.directions[0].cells.rtt;
  if (cell.value !== null) assert.match(rtt.values[0], /\d (µs|ms|s)$/);
  else assert.equal(rtt.values[0], "–");
}

export async function deepLinkWorks({ page, base }) {
  const [cell] = await shownCells(page);
  const hash = new URLSearchParams({ metric: "jitter", stat: "p99", window: "15m", from: cell.from, to: cell.to });
  const other = await page.context().newPage();
  await other.goto(`${base}#${hash}`);
  await other.waitForSelector("#panel:not([hidden])");
  assert.equal(await other.inputValue("#metric"), "jitter");
  assert.equal(await other.inputValue("#stat"), "p99");
  assert.equal(await other.inputValue("#window"), "15m");
  assert.ok((await other.textContent("#panel-title")).includes(cell.to));
  await other.close();
}

export async function sitesListed({ page, base }) {
  const answer = await api(base, "/api/v1/sites");
  await page.click("#places a:nth-child(3)");
  await page.waitForSelector("#sites-place:not([hidden])");
  const names = await page.$$eval("#sites-body th", (all) => all.map((name) => name.firstChild.textContent));
  assert.deepEqual(names, answer.sites.map((site) => site.name));
  const version = await page.textContent("#sites-body tr td:nth-child(4)");
  assert.equal(version, answer.sites[0].version);
  await page.click("#places a:nth-child(1)");
  await page.waitForSelector("#matrix-place:not([hidden])");
}

export async function updatesArrive({ page }) {
  const before = await page.getAttribute("#updated", "datetime");
  await eventually("update", async () => assert.notEqual(await page.getAttribute("#updated", "datetime"), before), 30000);
}

export async function nothingWentWrong({ page, problems }) {
  assert.deepEqual(problems, [], "console");
  assert.deepEqual(await page.evaluate(() => globalThis.cspViolations), [], "Content-Security-Policy");
}

export async function policyIsStrict({ base }) {
  const policy = (await fetch(base)).headers.get("content-security-policy") ?? "";
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe-/);
}

export async function onlyOwnServer({ page, base }) {
  const origins = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => new URL(entry.name).origin));
  assert.deepEqual([...new Set(origins)], [new URL(base).origin]);
}

export async function fitsWidth({ page }) {
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(inner <= outer, `the page is ${inner} px wide in a window of ${outer}`);
}

/** Sum of what moved without anybody's doing since the page was opened (see open() in browser.mjs). */
export async function nothingMoves({ page }) {
  const moved = await page.evaluate(() => globalThis.moved);
  const sum = moved.reduce((all, { value }) => all + value, 0);
  assert.ok(sum < 0.002, `layout shift ${sum.toFixed(4)}: ${moved.flatMap(({ what }) => what).slice(0, 5).join("; ")}`);
}
