// Every control of the matrix, with what must be seen after it. For a coordinator or its stand-in.
import assert from "node:assert/strict";
import { api, cellsEqualApi, eventually, shownCells } from "./checks.mjs";

const hashOf = (page) => new URLSearchParams(new URL(page.url()).hash.slice(1));

function heads(page, which = "row") {
  return page.$$eval(`.${which}-heads .name`, (names) => names.map((name) => name.textContent));
}

async function choose(page, id, value) {
  await page.selectOption(`#${id}`, value);
  await page.waitForFunction(([key, text]) => new URLSearchParams(location.hash.slice(1)).get(key) === text, [id, value]);
}

/** As choose(), for the choice that the address leaves out. */
async function chooseFirst(page, id, value) {
  await page.selectOption(`#${id}`, value);
  await page.waitForFunction((key) => !new URLSearchParams(location.hash.slice(1)).has(key), id);
}

export async function ordersWork({ page, base }) {
  const { sites } = await api(base, "/api/v1/sites");
  const given = await heads(page, "column");
  assert.deepEqual(given, sites.map(({ name }) => name));
  await choose(page, "order", "name");
  assert.deepEqual(await heads(page, "column"), [...given].sort(new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare));
  await choose(page, "order", "place");
  const longitude = new Map(sites.map((site) => [site.name, site.location?.[1] ?? 1000]));
  const placed = (await heads(page, "column")).map((name) => longitude.get(name));
  assert.deepEqual(placed, [...placed].sort((a, b) => a - b), "west to east");
  for (const order of ["worst", "similar", "group"]) {
    await choose(page, "order", order);
    assert.deepEqual((await heads(page, "column")).sort(), [...given].sort(), `${order} shows every site once`);
  }
  await cellsEqualApi({ page, base });
  await chooseFirst(page, "order", "given");
}

export async function groupsFold({ page, base }) {
  const { sites } = await api(base, "/api/v1/sites");
  const groups = new Map();
  for (const site of sites) groups.set(site.groups[0] ?? "no group", (groups.get(site.groups[0] ?? "no group") ?? 0) + 1);
  const [group, size] = [...groups].find(([, count]) => count > 1) ?? [];
  await choose(page, "order", "group");
  if (!group) {
    assert.match(await page.textContent("#groups"), /No group has two sites/);
  } else {
    await page.click(`#groups button[data-group="${group}"]`);
    await eventually("folded", async () => assert.equal((await heads(page, "column")).length, sites.length - size + 1));
    assert.ok((await heads(page)).includes(`${group} (${size})`));
    assert.equal(await page.getAttribute(`#groups button[data-group="${group}"]`, "aria-pressed"), "true");
    assert.deepEqual(hashOf(page).getAll("folded"), [group]);
    await page.click(".row-heads .folded");
    await eventually("unfolded", async () => assert.equal((await heads(page, "column")).length, sites.length));
  }
  await chooseFirst(page, "order", "given");
}

export async function layersChangeCells({ page }) {
  const picture = () => page.$eval(".plane canvas", (canvas) => canvas.toDataURL());
  const seen = new Set([await picture()]);
  for (const layer of ["split", "asymmetry"]) {
    await choose(page, "layer", layer);
    await eventually(layer, async () => assert.ok(!seen.has(await picture()), "the picture is an earlier one"));
    seen.add(await picture());
  }
  assert.match(await page.textContent("#legend .bands"), /alike/);
  assert.ok(await page.isDisabled("#colour"), "an asymmetry has its own colours");
  await chooseFirst(page, "layer", "value");
}

/** The page's own arithmetic is checked against the API's values: light in fibre, and the same hour of earlier weeks. */
export async function coloursJudge({ page, base }) {
  const { sites } = await api(base, "/api/v1/sites");
  await choose(page, "colour", "floor");
  await page.waitForFunction(() => document.querySelector(".legend-title")?.textContent.includes("light in fibre"));
  await eventually("floor bands", async () => {
    for (const cell of await shownCells(page)) {
      const [a, b] = [cell.from, cell.to].map((name) => sites.find((site) => site.name === name).location);
      const { band } = cell;
      if (cell.value === null || !["ok", "degraded"].includes(cell.state) || !a || !b) assert.equal(band, -1);
      else assert.equal(band, [1.5, 2, 3, 5].filter((bar) => cell.value >= bar * fibreThereAndBack(a, b)).length, `${cell.from} -> ${cell.to}`);
    }
  });
  await choose(page, "colour", "baseline");
  await page.waitForFunction(() => document.querySelector(".legend-title")?.textContent.includes("same hour"));
  await chooseFirst(page, "colour", "bands");
}

function fibreThereAndBack([latitude, longitude], [other, east]) {
  const r = (x) => (x * Math.PI) / 180;
  const h = Math.sin(r(other - latitude) / 2) ** 2 + Math.cos(r(latitude)) * Math.cos(r(other)) * Math.sin(r(east - longitude) / 2) ** 2;
  return (2 * 2 * 6371008.8 * Math.asin(Math.sqrt(h)) * 1.468) / 299792458;
}

export async function historyWorks({ page, base }) {
  await page.selectOption("#span", "6h");
  await page.$eval("#instant", (slider) => {
    slider.value = "200";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.waitForFunction(() => new URLSearchParams(location.hash.slice(1)).has("at"));
  const at = hashOf(page).get("at");
  assert.ok(Math.abs(Date.now() - Date.parse(at) - 3600_000) < 150_000, `${at} is an hour ago`);
  await eventually("past", async () => assert.match(await page.textContent("#notice"), /This is the past/));
  const answer = await api(base, `/api/v1/matrix?metric=rtt&stat=p50&window=1h&at=${at}`);
  await eventually("cells of then", async () => {
    for (const cell of await shownCells(page)) {
      const want = answer.cells.find(({ from, to }) => from === cell.from && to === cell.to);
      assert.equal(cell.state, want.state);
    }
  });
  await page.click("#play");
  assert.equal(await page.getAttribute("#play", "aria-pressed"), "true");
  await eventually("playing", async () => assert.notEqual(hashOf(page).get("at"), at), 6000);
  await page.click("#play");
  await page.click("#pin");
  await page.waitForFunction(() => document.querySelector("#layer").value === "difference");
  await page.click("#to-now");
  await page.waitForFunction(() => !new URLSearchParams(location.hash.slice(1)).has("at"));
  await eventually("difference", async () => assert.match(await page.textContent(".legend-title"), /other instant: now against/));
  await page.selectOption("#than", "1h");
  await page.waitForFunction(() => new URLSearchParams(location.hash.slice(1)).get("than") === "1h");
  await chooseFirst(page, "layer", "value");
  await page.selectOption("#span", "24h");
}

export async function wholeMeshFits({ page }) {
  await page.click("#fit");
  await page.waitForFunction(() => new URLSearchParams(location.hash.slice(1)).get("fit") === "1");
  await eventually("fits", async () => {
    const [wide, high] = await page.$eval("#matrix", (host) => [host.scrollWidth - host.clientWidth, host.scrollHeight - host.clientHeight]);
    assert.ok(wide <= 1 && high <= 1, `${wide} x ${high} px are out of sight`);
  });
  await page.click("#fit");
}

/** Course and distribution come to who rests on a cell. */
export async function hoverShowsCourse({ page }) {
  await page.focus("#pin");
  await page.keyboard.press("Tab");
  for (let i = 0; i < 8 && /no value/.test(await page.textContent("#spoken")); i += 1) await page.keyboard.press("ArrowRight");
  await page.waitForSelector("#tooltip .course canvas", { timeout: 10000 });
  assert.equal((await page.$$("#tooltip .course canvas")).length, 2);
  await page.keyboard.press("Escape");
}

export async function placesWork({ page }) {
  for (const [key, place] of [["2", "incidents"], ["3", "sites"], ["4", "timetable"], ["5", "map"], ["1", "matrix"]]) {
    await page.keyboard.press(key);
    await page.waitForSelector(`#${place}-place:not([hidden])`);
    assert.equal(await page.getAttribute("body", "data-place"), place);
    assert.equal((await page.$$("#places a[aria-current]")).length, 1);
    assert.equal((await page.$$("main > section:not([hidden])")).length, 1);
  }
  await page.goBack();
  await page.waitForSelector("#map-place:not([hidden])");
  await page.goForward();
  await page.waitForSelector("#matrix-place:not([hidden])");
}

export const matrixControls = [
  ["rows and columns in every order", ordersWork],
  ["groups fold and unfold", groupsFold],
  ["split cells and asymmetry", layersChangeCells],
  ["colours by light in fibre and by baseline", coloursJudge],
  ["history: slider, play, difference, back to now", historyWorks],
  ["the whole mesh fits", wholeMeshFits],
  ["resting on a cell shows course and distribution", hoverShowsCourse],
];
