// What only a stand-in can bring about: every state, a change on demand, a coordinator that goes away, odd meshes.
import assert from "node:assert/strict";
import { matrixShown, open } from "./browser.mjs";
import { cellsEqualApi, eventually, fitsWidth, shownCells } from "./checks.mjs";
import { Mock } from "./mock.mjs";
import { incidentsAreHeld, incidentShows, linkShown, mapShown, measuringNow, placesAreAccessible, siteFound, sitesSort, timetableShown } from "./place_checks.mjs";

async function withMock(browser, options, run, viewport = {}) {
  const mock = new Mock(options);
  const base = await mock.start();
  const { page, close, problems } = await open(browser, base, viewport);
  try {
    await run({ mock, base, page, problems });
    await close();
  } finally {
    await mock.stop();
  }
}

function picture(page) {
  return page.$eval(".plane canvas", (canvas) => canvas.toDataURL());
}

async function deltaArrives({ mock, page }) {
  await matrixShown(page);
  await page.waitForSelector('#connection[data-connection="live"]');
  await page.waitForTimeout(500);
  const before = await picture(page);
  mock.change("rtt", "berlin", "athens", 0.777);
  await eventually("delta", async () => {
    const cell = (await shownCells(page)).find(({ from, to }) => from === "berlin" && to === "athens");
    assert.equal(cell.value, 0.777);
    assert.match(cell.text, /777 ms/);
  }, 3000);
  assert.notEqual(await picture(page), before, "the canvas did not change");
}

/** The list of sites may be there first; that says nothing of the matrix. */
async function lateMatrixIsNoEmptyMesh({ page }) {
  await page.route("**/api/v1/matrix*", async (route) => {
    await new Promise((wake) => setTimeout(wake, 1500));
    await route.continue();
  });
  await page.reload();
  await eventually("sites", async () => assert.equal(await page.textContent("#heard"), "3/3 sites heard"), 1400);
  assert.equal(await page.textContent("#notice"), "");
  await matrixShown(page);
}

async function silenceShows({ mock, page }) {
  await matrixShown(page);
  await page.waitForSelector('#connection[data-connection="live"]');
  mock.silence("athens");
  await eventually("silence", async () => {
    assert.equal(await page.textContent("#heard"), "2/3 sites heard");
    const states = (await shownCells(page)).filter(({ from }) => from === "athens").map(({ state }) => state);
    assert.deepEqual(states, ["agent_silent", "agent_silent"]);
    assert.equal(await page.getAttribute(".row-heads .site:nth-child(2)", "data-health"), "silent");
  }, 4000);
}

async function lossOfConnectionShows({ mock, page }) {
  await matrixShown(page);
  await page.waitForSelector('#connection[data-connection="live"]');
  const { port } = mock;
  await mock.stop();
  await page.waitForSelector('#connection[data-connection="lost"]', { timeout: 15000 });
  assert.equal(await page.textContent("#connection-text"), "no connection");
  assert.match(await page.textContent("#notice"), /does not answer/);
  assert.ok((await shownCells(page)).length > 0, "the last known cells stay");
  await mock.start(port);
  await page.waitForSelector('#connection[data-connection="live"]', { timeout: 15000 });
  assert.ok(await page.isHidden("#notice"));
}

async function statesLookDifferent({ base, page }) {
  await matrixShown(page);
  await cellsEqualApi({ page, base });
  const present = new Set((await shownCells(page)).map(({ state }) => state));
  for (const state of ["ok", "degraded", "stale", "down", "agent_silent", "paused", "never"])
    assert.ok(present.has(state), `the stand-in shows no cell that is ${state}`);
}

async function hostileNamesAreText({ page }) {
  await matrixShown(page);
  const heads = await page.$$eval(".row-heads .name", (names) => names.map((name) => name.textContent));
  assert.deepEqual(heads, ['<img src=x onerror="alert(1)">', "Ünïcødé 東京 with a very long name that goes on and on, 60 letters", "c"]);
  assert.equal(await page.$$eval("img", (all) => all.length), 0);
  await page.focus(".plane");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#panel-body tr");
  await fitsWidth({ page });
}

async function twoSitesWalk({ page }) {
  await matrixShown(page);
  await page.focus("#pin");
  await page.keyboard.press("Tab");
  for (const [key, wanted] of [["ArrowDown", /^athens to berlin/], ["ArrowUp", /^berlin to athens/], ["ArrowLeft", /^athens to berlin/], ["ArrowRight", /^berlin to athens/]]) {
    await page.keyboard.press(key);
    assert.match(await page.textContent("#spoken"), wanted, key);
  }
}

async function oneSiteIsSaid({ page }) {
  await page.waitForSelector("body.loaded");
  assert.match(await page.textContent("#notice"), /one site only/);
}

async function unknownHashIsHarmless({ base, page, problems }) {
  await page.goto(`${base}#metric=nonsense&stat=%00&window=1000y&from=nowhere&to=berlin`);
  await page.reload();
  await page.waitForSelector("body.loaded");
  assert.equal(await page.inputValue("#metric"), "rtt");
  await eventually("unknown link", async () => assert.match(await page.textContent("#panel-note"), /unknown site/));
  assert.deepEqual(problems.filter((text) => !text.includes("404")), []);
}

async function hundredSitesScroll({ page }) {
  await matrixShown(page);
  await page.focus(".plane");
  await page.keyboard.press("End");
  await page.keyboard.press("PageDown");
  await eventually("far corner", async () => {
    const cells = await shownCells(page);
    assert.ok(cells.some(({ from, to }) => from === "site-99" && to === "site-100"));
  });
  assert.ok((await page.textContent("#spoken")).length > 0);
  await fitsWidth({ page });
}

export async function mockChecks(browser, folder, sideBySide, pictures) {
  const three = { folder, sites: 3 };
  const berlin = { from: "berlin", to: "athens" };
  const hostile = { folder, names: ['<img src=x onerror="alert(1)">', "Ünïcødé 東京 with a very long name that goes on and on, 60 letters", "c"] };
  const results = [["ping", /12.3 ms \(11.9 ms to 31.0 ms\), 2 % lost/], ["connect", /25.0 ms/], ["upload", /94.1 Mbit\/s, 12.3 MB moved, limited by the path/],
    ["download", /athens → berlin.*94.1 Mbit\/s/]];
  const checks = [
    ["a changed cell arrives within 3 s", three, deltaArrives],
    ["measuring now: refused, then each result in people's units", three, (seen) => measuringNow(seen, berlin, "sesame", results)],
    ...["light", "dark"].map((scheme) => [`axe finds nothing serious in ${scheme}`, { folder, sites: 8, states: true },
      (seen) => placesAreAccessible(seen, berlin), { dark: scheme === "dark" }]),
    ["a lost connection is said, and found again", three, lossOfConnectionShows],
    ["incidents are silenced and acknowledged with a token, and say so", three, incidentsAreHeld],
    ["an incident marks its cells and stands in list and link", three, incidentShows],
    ["a link: charts, findings, raw results, the way back", three, (seen) => linkShown(seen, berlin)],
    ["the timetable", three, timetableShown],
    ["the map", three, mapShown],
    ["a site, and a link, is found by its name", three, siteFound],
    ["the list of sites sorts", { folder, sites: 12, states: true }, sitesSort],
    ["a silent agent shows in header, row and cells", three, silenceShows],
    ["every state reaches the cells", { folder, sites: 30, states: true }, statesLookDifferent],
    ["hostile and long names are text", hostile, hostileNamesAreText],
    ["hostile and long names on a phone", hostile, hostileNamesAreText, { width: 390, height: 844 }],
    ["two sites: keys reach both links", { folder, sites: 2 }, twoSitesWalk],
    ["a matrix that comes late is no empty mesh", three, lateMatrixIsNoEmptyMesh],
    ["one site only is said", { folder, sites: 1 }, oneSiteIsSaid],
    ["an unknown deep link is harmless", three, unknownHashIsHarmless],
    ["100 sites: keys reach the far corner", { folder, sites: 100, states: true }, hundredSitesScroll],
  ];
  await Promise.all([
    sideBySide(checks.map(([name, options, run, viewport]) => [name, () => withMock(browser, options, run, viewport)])),
    ...[8, 30, 100].map(async (sites) => {
      const mock = new Mock({ folder, sites, states: true });
      await pictures(browser, await mock.start(), String(sites));
      await mock.stop();
    }),
  ]);
}
