// Made-up meshes of 3, 30 and 300 sites on a real coordinator: pictures in light and dark, every place, what is said
// when the coordinator goes away, when nothing was measured, when there is one site.
//   node tests/ui/run.mjs --mesh FOLDER_OF_PROGRAMS
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { accessible } from "./axe.mjs";
import { matrixShown, open, placeShown } from "./browser.mjs";
import { api, cellsEqualApi, eventually, fitsWidth, nothingMoves, nothingWentWrong, shownCells } from "./checks.mjs";
import { matrixControls } from "./control_checks.mjs";
import { Mesh } from "./mesh.mjs";
import { emptyStoreIsSaid, linkShown, mapShown, measuringNow, siteFound, timetableShown } from "./place_checks.mjs";

async function withMesh(bin, options, run) {
  const mesh = new Mesh(bin, options);
  try {
    const base = await mesh.start();
    if (!options.empty && options.sites > 1) await mesh.settled();
    await run(mesh, base);
  } finally {
    await mesh.stop();
  }
}

async function withPage(browser, address, viewport, run) {
  const { page, close, problems } = await open(browser, address, viewport);
  await run({ page, problems });
  await close();
}

const views = { matrix: "", fit: "fit=1", link: "from=berlin&to=athens", map: "place=map", timetable: "place=timetable", sites: "place=sites" };

function pictureChecks(browser, base, shots, sites) {
  return ["light", "dark"].map((scheme) => [`${sites} sites in ${scheme}: every place, no error, accessible, nothing moves`, () =>
    withPage(browser, base, { width: 1440, height: 900, dark: scheme === "dark" }, async ({ page, problems }) => {
      for (const [name, hash] of Object.entries(views)) {
        await page.goto(`${base}#${hash}`);
        await page.reload(); // as from a bookmark
        await placeShown(page, name === "fit" ? "matrix" : name, 60000);
        await fitsWidth({ page });
        await nothingMoves({ page });
        if (sites < 100 || scheme === "light") await accessible(page); // half a minute for 300 sites
        await page.screenshot({ path: join(shots, `mesh-${sites}-${name}-${scheme}.png`) });
      }
      await nothingWentWrong({ page, problems });
    })]);
}

async function coordinatorStops(mesh, page) {
  await matrixShown(page);
  await page.waitForSelector('#connection[data-connection="live"]');
  await mesh.stopCoordinator();
  await page.waitForSelector('#connection[data-connection="lost"]', { timeout: 20000 });
  assert.match(await page.textContent("#notice"), /does not answer. What you see is from/);
  await mesh.startCoordinator();
  await page.waitForSelector('#connection[data-connection="live"]', { timeout: 20000 });
}

/** The links to CSV: what the matrix shows, and the course of a link, as files. */
async function savedAsTable({ page, base }, link) {
  const saved = async (selector) => {
    const waiting = page.waitForEvent("download", { timeout: 20000 });
    await page.click(selector);
    const text = await readFile(await (await waiting).path(), "utf8");
    return text.trimEnd().split(/\r?\n/);
  };
  await matrixShown(page);
  await page.selectOption("#metric", "connect");
  await page.waitForFunction(() => document.querySelector("#csv").href.includes("metric=connect"));
  const cells = await saved("#csv");
  assert.match(cells[0], /^from,to,metric,stat,unit,value,/);
  assert.equal(cells.length - 1, (await api(base, "/api/v1/matrix?metric=connect")).cells.length);
  assert.ok(cells.slice(1).every((row) => row.includes(",connect,")));
  await page.goto(`${base}#from=${link.from}&to=${link.to}&metric=rtt`);
  await placeShown(page, "link", 30000);
  await page.waitForFunction(() => document.querySelector("#series-csv")?.href.includes("metric=rtt"));
  const course = await saved("#series-csv");
  assert.match(course[0], /\bcount\b/);
  assert.ok(course.length > 1, "a row for each step");
}

/** On paper: light, without what can only be clicked, and the whole matrix; afterwards all is as it was. */
export async function printed(page) {
  await matrixShown(page);
  const look = () => page.evaluate(() => {
    const matrix = document.querySelector("#matrix");
    const canvas = document.querySelector(".plane canvas").getBoundingClientRect();
    const plane = document.querySelector(".plane").getBoundingClientRect();
    return {
      controls: getComputedStyle(document.querySelector(".controls")).display !== "none",
      paper: getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)",
      legend: document.querySelector("#legend").getClientRects().length > 0 || document.querySelector("#legend .bands").getClientRects().length > 0,
      whole: matrix.scrollWidth <= matrix.clientWidth + 1 && canvas.width >= plane.width - 2 && canvas.height >= plane.height - 2,
    };
  });
  const before = await look();
  assert.equal(before.controls, true);
  assert.equal(before.paper, false);
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.deepEqual(await look(), { controls: false, paper: true, legend: true, whole: true });
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  assert.deepEqual(await look(), before);
  await page.evaluate(() => window.addEventListener("beforeprint", () => (globalThis.prepared = true)));
  assert.ok((await page.pdf({ landscape: true })).length > 20000, "the sheet is empty");
  assert.equal(await page.evaluate(() => globalThis.prepared), true);
  assert.deepEqual(await look(), before);
}

async function networkCut(page) {
  await matrixShown(page);
  await page.context().setOffline(true);
  await page.waitForSelector('#connection[data-connection="lost"]', { timeout: 30000 });
  await page.context().setOffline(false);
  await page.waitForSelector('#connection[data-connection="live"]', { timeout: 20000 });
}

const link = { from: "berlin", to: "athens" };

/** An agent falls silent: the coordinator opens an incident, and the page shows it everywhere without being asked. */
async function realIncident(mesh, base, page) {
  await matrixShown(page);
  await page.waitForSelector('#connection[data-connection="live"]');
  const { sites } = await api(base, "/api/v1/sites");
  const gone = sites[sites.length - 1].name;
  mesh.fallSilent();
  await eventually("silence", async () => {
    const states = (await shownCells(page)).filter(({ from }) => from === gone).map(({ state }) => state);
    assert.ok(states.length > 0 && states.every((state) => state === "agent_silent"), states.join());
  }, 40000);
  await page.waitForSelector("#places .badge:not([hidden])", { timeout: 60000 });
  const { incidents } = await api(base, "/api/v1/incidents");
  const incident = incidents.find(({ cause, state }) => cause === "agent_silent" && state === "open");
  assert.equal(incident?.site, gone);
  await eventually("outlines", async () => {
    const marked = await page.$$eval("#cells td[data-incident]", (cells) => cells.map((cell) => `${cell.dataset.from} ${cell.dataset.to}`));
    assert.deepEqual(marked.sort(), incident.links.map(({ from, to }) => `${from} ${to}`).sort());
  });
  await page.keyboard.press("2");
  await page.waitForSelector('.incident[data-open="true"]');
  const text = await page.textContent('.incident[data-open="true"]');
  assert.ok(text.includes(incident.summary) && text.includes("since"), text);
  await page.goto(`${base}#${new URLSearchParams(incident.links[0])}`);
  await page.waitForSelector("#link-incidents .incident");
  await accessible(page);
}

/** What a peer says is text, whatever it is. */
async function hostileReasonIsText(base, page) {
  const { cells } = await api(base, "/api/v1/matrix?metric=rtt");
  const dead = cells.find(({ state }) => state === "down" || state === "never"); // no run ever brought a value
  assert.ok(dead, "every link answers");
  await page.goto(`${base}#${new URLSearchParams({ from: dead.from, to: dead.to })}`);
  await eventually("reason", async () => assert.ok((await page.textContent(".raw")).includes("<script>alert('x')</script>")), 30000);
  assert.equal(await page.$$eval("#panel script", (all) => all.length), 0);
}

function controlChecks(browser, mesh, base) {
  const withMatrix = matrixControls.map(([name, run]) => [name, async (seen) => {
    await matrixShown(seen.page);
    await run(seen);
  }]);
  const places = [["link", linkShown], ["timetable", timetableShown], ["map", mapShown], ["a site is found", siteFound]].map(([name, run]) => [name, (seen) => run(seen, link)]);
  const own = [
    ["what is shown equals the API", async (seen) => {
      await matrixShown(seen.page);
      await cellsEqualApi(seen);
    }],
    ["what is shown is saved as a table", (seen) => savedAsTable(seen, link)],
    ["a wrong token is refused in words, the right one is taken", (seen) =>
      measuringNow(seen, link, mesh.token(), [["ping", /waits for its turn|about to begin|measuring|no result/]])],
  ];
  return [...withMatrix, ...places, ...own].map(([name, run]) => [`30 sites: ${name}`, () => withPage(browser, base, {}, ({ page }) => run({ page, base }))]);
}

async function thirtySites(browser, mesh, base, shots, sideBySide) {
  const onPage = (name, run) => [name, () => withPage(browser, base, {}, ({ page }) => run(page))];
  await sideBySide([...pictureChecks(browser, base, shots, 30), ...controlChecks(browser, mesh, base),
    ["it can be printed", () => withPage(browser, base, { width: 1440, height: 900, dark: true }, ({ page }) => printed(page))],
    onPage("what a peer says is text", (page) => hostileReasonIsText(base, page)),
    onPage("network cut: said, and found again", networkCut)]);
  await sideBySide([onPage("coordinator stopped: said, and found again", (page) => coordinatorStops(mesh, page))]);
}

/** The meshes fill their past side by side, while pages look at those that are ready. */
export async function meshChecks(browser, bin, shots, sideBySide) {
  const one = (name, run) => (_mesh, base) => sideBySide([[name, () => withPage(browser, base, {}, ({ page }) => run(page))]]);
  await Promise.all([
    withMesh(bin, { sites: 30, silent: 1 }, (mesh, base) => thirtySites(browser, mesh, base, shots, sideBySide)),
    withMesh(bin, { sites: 3 }, async (mesh, base) => {
      await sideBySide(pictureChecks(browser, base, shots, 3));
      await sideBySide([["an agent falls silent: outline, sentence, incident", () => withPage(browser, base, {}, ({ page }) => realIncident(mesh, base, page))]]);
    }),
    withMesh(bin, { sites: 300, rate: 200, well: true }, (_mesh, base) => sideBySide(pictureChecks(browser, base, shots, 300))),
    withMesh(bin, { sites: 4, empty: true }, one("an empty store is said", (page) => emptyStoreIsSaid({ page }))),
    withMesh(bin, { sites: 1 }, one("one site only is said", async (page) => {
      await page.waitForSelector("body.loaded");
      assert.match(await page.textContent("#notice"), /one site only/);
      await accessible(page);
    })),
  ]);
}
