// Made-up meshes of 3, 30 and 300 sites on a real coordinator: pictures in light and dark, every place, what is said
// when the coordinator goes away, when nothing was measured, when there is one site.
//   node tests/ui/run.mjs --mesh FOLDER_OF_PROGRAMS
import assert from "node:assert/strict";
import { join } from "node:path";
import { accessible } from "./axe.mjs";
import { matrixShown, open } from "./browser.mjs";
import { cellsEqualApi, fitsWidth, nothingWentWrong } from "./checks.mjs";
import { matrixControls } from "./control_checks.mjs";
import { Mesh } from "./mesh.mjs";
import { emptyStoreIsSaid, linkShown, mapShown, measuringNow, timetableShown } from "./place_checks.mjs";

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
  const { page, context, problems } = await open(browser, address, viewport);
  try {
    await run({ page, problems });
  } finally {
    await context.close();
  }
}

const views = { matrix: "", fit: "fit=1", link: "from=berlin&to=athens", map: "place=map", timetable: "place=timetable", sites: "place=sites" };

async function picturesOf(browser, base, shots, sites, check) {
  for (const dark of [false, true])
    await check(`${sites} sites in ${dark ? "dark" : "light"}: every place, no error${sites < 100 ? ", accessible" : ""}`, () =>
      withPage(browser, base, { width: 1440, height: 900, dark }, async ({ page, problems }) => {
        await page.waitForSelector("body.loaded", { timeout: 20000 });
        for (const [name, hash] of Object.entries(views)) {
          await page.goto(`${base}#${hash}`);
          await page.waitForTimeout(name === "link" ? 1500 : 700);
          await fitsWidth({ page });
          if (sites < 100) await accessible(page);
          await page.screenshot({ path: join(shots, `mesh-${sites}-${name}-${dark ? "dark" : "light"}.png`) });
        }
        await nothingWentWrong({ page, problems });
      }));
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

async function networkCut(page) {
  await matrixShown(page);
  await page.context().setOffline(true);
  await page.waitForSelector('#connection[data-connection="lost"]', { timeout: 30000 });
  await page.context().setOffline(false);
  await page.waitForSelector('#connection[data-connection="live"]', { timeout: 20000 });
}

const link = { from: "berlin", to: "athens" };

export async function meshChecks(browser, bin, shots, check) {
  await withMesh(bin, { sites: 30, silent: 1 }, async (mesh, base) => {
    await check("30 sites: what is shown equals the API", () => withPage(browser, base, {}, async ({ page }) => {
      await matrixShown(page);
      await cellsEqualApi({ page, base });
    }));
    for (const [name, run] of matrixControls)
      await check(`30 sites: ${name}`, () => withPage(browser, base, {}, async ({ page }) => {
        await matrixShown(page);
        await run({ page, base });
      }));
    for (const [name, run] of [["link", linkShown], ["timetable", timetableShown], ["map", mapShown]])
      await check(`30 sites: ${name}`, () => withPage(browser, base, {}, ({ page }) => run({ page, base }, link)));
    await check("30 sites: a wrong token is refused in words, the right one is taken", () => withPage(browser, base, {}, ({ page }) =>
      measuringNow({ page, base }, link, mesh.token(), [["ping", /waits for its turn|about to begin|measuring|no result/]])));
    await picturesOf(browser, base, shots, 30, check);
    await check("network cut: said, and found again", () => withPage(browser, base, {}, ({ page }) => networkCut(page)));
    await check("coordinator stopped: said, and found again", () => withPage(browser, base, {}, ({ page }) => coordinatorStops(mesh, page)));
  });
  await withMesh(bin, { sites: 3 }, (_mesh, base) => picturesOf(browser, base, shots, 3, check));
  await withMesh(bin, { sites: 300, rate: 200 }, (_mesh, base) => picturesOf(browser, base, shots, 300, check));
  await withMesh(bin, { sites: 4, empty: true }, (_mesh, base) =>
    check("an empty store is said", () => withPage(browser, base, {}, ({ page }) => emptyStoreIsSaid({ page }))));
  await withMesh(bin, { sites: 1 }, (_mesh, base) =>
    check("one site only is said", () => withPage(browser, base, {}, async ({ page }) => {
      await page.waitForSelector("body.loaded");
      assert.match(await page.textContent("#notice"), /one site only/);
      await accessible(page);
    })));
}
