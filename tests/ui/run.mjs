// Page tests in real Chromium.
//   node tests/ui/run.mjs BASE_URL [TOKEN]   against a running coordinator that has agents; TOKEN: a file, to measure now
//   node tests/ui/run.mjs --mesh PROGRAMS    made-up meshes of 3, 30 and 300 sites on a real coordinator (build/bin)
//   node tests/ui/run.mjs --page FOLDER      against a stand-in that serves the built page (build/page/files), with more states
// Screenshots go to $SONDE_UI_SHOTS, else to a folder below the system's temporary one. Exit 1 where a check failed.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { launch, matrixShown, open, painted } from "./browser.mjs";
import * as checks from "./checks.mjs";
import { matrixControls, placesWork } from "./control_checks.mjs";
import { meshChecks } from "./mesh_checks.mjs";
import { mockChecks } from "./mock_checks.mjs";
import { Mock } from "./mock.mjs";
import { modelChecks } from "./model_checks.mjs";
import { measuringNow } from "./place_checks.mjs";

const args = process.argv.slice(2);
const folder = args[0] === "--page" ? args[1] : null;
const programs = args[0] === "--mesh" ? args[1] : null;
if (args.length === 0 || (args[0].startsWith("--") && !folder && !programs)) {
  console.error("usage: node tests/ui/run.mjs BASE_URL [TOKEN] | --page FOLDER | --mesh PROGRAMS");
  process.exit(2);
}
const shots = process.env.SONDE_UI_SHOTS ?? mkdtempSync(join(tmpdir(), "sonde-ui-"));
mkdirSync(shots, { recursive: true });

/** Checks wait more than they work (for answers, timers, frames), so several pages are open at a time. */
const lanes = Number(process.env.SONDE_UI_LANES ?? 4);
let busy = 0;
const queue = [];
async function inLane(run) {
  if (busy >= lanes) await new Promise((resolve_) => queue.push(resolve_));
  else busy += 1;
  try {
    await run();
  } finally {
    const next = queue.shift();
    if (next) next();
    else busy -= 1;
  }
}

const tally = { passed: 0, failed: 0 };
async function check(name, run) {
  const began = performance.now();
  try {
    await run();
    tally.passed += 1;
    console.log(`ok      ${name}  ${((performance.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    tally.failed += 1;
    console.log(`FAILED  ${name}: ${String(error.message ?? error).split("\n").slice(0, 6).join(" | ")}`);
  }
}

/** Checks that do not depend on each other: [name, run]. */
function sideBySide(checks_) {
  return Promise.all(checks_.map(([name, run]) => inLane(() => check(name, run))));
}

async function pageChecks(browser, base) {
  const { page, close, problems } = await open(browser, base);
  const seen = { page, problems, base };
  await check("the page loads and names every site", async () => {
    await matrixShown(page);
    await checks.loads(seen);
  });
  await check("the header says live, heard and updated", () => checks.liveShown(seen));
  await check("cells equal the API's values and states", () => checks.cellsEqualApi(seen));
  await check("metric, statistic and window change what is shown", () => checks.selectorsWork(seen));
  await check("another metric changes the picture", () => checks.selectorChangesCanvas(seen));
  await check("the legend names every band and state", () => checks.legendComplete(seen));
  await check("no two signs of the legend look the same", () => checks.legendSwatchesDiffer(seen));
  await check("pointing at a cell tells value, count, age and state", () => checks.hoverTells(seen));
  await check("keys move, open and close a link", () => checks.keysWork(seen));
  await check("a deep link restores the view", () => checks.deepLinkWorks(seen));
  await check("the sites are listed", () => checks.sitesListed(seen));
  for (const [name, run] of matrixControls) await check(name, () => run(seen));
  await check("keys and history lead through the places", () => placesWork(seen));
  await check("updates arrive by themselves", () => checks.updatesArrive(seen));
  await check("everything comes from the coordinator", () => checks.onlyOwnServer(seen));
  await check("the policy allows nothing inline", () => checks.policyIsStrict(seen));
  await check("no error on the console, no violation of the policy", () => checks.nothingWentWrong(seen));
  await close();
}

function pictures(browser, base, prefix) {
  const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844, scale: 2, touch: true } };
  const all = Object.entries(sizes).flatMap(([size, viewport]) => ["light", "dark"].map((scheme) => ({ size, viewport, scheme })));
  return sideBySide(all.map(({ size, viewport, scheme }) => [`screenshot ${prefix}-${size}-${scheme}`, async () => {
    const { page, close, problems } = await open(browser, base, { ...viewport, dark: scheme === "dark" });
    await page.waitForSelector("body.loaded");
    await painted(page);
    await checks.fitsWidth({ page });
    await checks.nothingMoves({ page });
    await page.screenshot({ path: join(shots, `${prefix}-${size}-${scheme}.png`) });
    assert.deepEqual(problems, []);
    await close();
  }]));
}

/** Real agents measure, each kind to its end. */
async function measureNow(browser, base, token_file) {
  const { sites } = await checks.api(base, "/api/v1/sites");
  const link = { from: sites[0].name, to: sites[1].name };
  const kinds = [["ping", /\d (ms|µs) \(.* to .*\), .*lost/], ["connect", /\d (ms|µs)/], ["upload", /bit\/s, .*B moved/], ["download", /bit\/s, .*B moved/]];
  await sideBySide([["measuring now: real agents, each kind to its end", async () => {
    const { page, close } = await open(browser, base);
    await measuringNow({ page, base }, link, readFileSync(token_file, "utf8").trim(), kinds);
    await close();
  }]]);
}

if (folder) for (const [name, run] of await modelChecks(folder)) await check(name, run);
const browser = await launch();
try {
  if (folder) {
    const mock = new Mock({ folder, sites: 3 });
    const base = await mock.start();
    await Promise.all([inLane(() => pageChecks(browser, base)), pictures(browser, base, "3"), mockChecks(browser, folder, sideBySide, pictures)]);
    await mock.stop();
  } else if (programs) {
    await meshChecks(browser, resolve(programs), shots, sideBySide);
  } else {
    const base = new URL(args[0]).href;
    await checks.measured(base);
    await Promise.all([inLane(() => pageChecks(browser, base)), pictures(browser, base, "mesh"), args[1] ? measureNow(browser, base, args[1]) : null]);
  }
} finally {
  await browser.close();
}
console.log(`screenshots: ${shots}; ${(performance.now() / 1000).toFixed(0)} s`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed === 0 ? 0 : 1);
