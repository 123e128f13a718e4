// The drawing half of the page's speed, in Chromium without a graphics card:  node tests/ui/bench.mjs PROGRAMS [SITES...]
// A made-up mesh on a real coordinator: time to the first painted matrix, then frame times while the matrix is panned and
// while a thousand cells change each second, and how long what somebody does takes. Prints one JSON object for each size.
import { resolve } from "node:path";
import { launch, painted } from "./browser.mjs";
import { Mesh } from "./mesh.mjs";

const seconds = 4;

/** Runs in the page: an animation frame after the other, and how long each took. */
function watchFrames([length_s, panning]) {
  return new Promise((resolve_) => {
    const host = document.querySelector("#matrix");
    const took = [];
    const began = performance.now();
    let last = began;
    let way = 1;
    const frame = (now) => {
      took.push(now - last);
      last = now;
      if (panning) {
        if (host.scrollTop + host.clientHeight >= host.scrollHeight - 40) way = -1;
        if (host.scrollTop <= 0) way = 1;
        host.scrollTop += way * 23;
        host.scrollLeft += way * 31;
      }
      if (now - began < 1000 * length_s) requestAnimationFrame(frame);
      else resolve_(took.slice(1));
    };
    requestAnimationFrame(frame);
  });
}

function figures(took) {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1));
  return { frames_s: Number((1000 * took.length / took.reduce((a, b) => a + b, 0)).toFixed(1)), p50_ms: at(0.5), p95_ms: at(0.95), worst_ms: at(1) };
}

/** Until every agent is heard, and the coordinator has not been held up for ten seconds: a mesh that stands, not one that comes up. */
async function calm(base) {
  const deadline = performance.now() + 90000;
  for (let well = 0; well < 10 && performance.now() < deadline;) {
    const began = performance.now();
    const { agents, heard } = await (await fetch(`${base}api/v1/sites`)).json();
    well = heard === agents && performance.now() - began < 250 ? well + 1 : 0;
    await new Promise((resolve_) => setTimeout(resolve_, 1000));
  }
}

/** From the navigation's beginning to the first frame with a matrix in it; the median of three. */
async function firstPaint(browser, base) {
  const times = [];
  for (let i = 0; i < 3; i += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(() => {
      const look = () => {
        if (document.body?.classList.contains("loaded")) requestAnimationFrame(() => (globalThis.firstPaint = performance.now()));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(base, { timeout: 60000 });
    await page.waitForFunction(() => globalThis.firstPaint !== undefined, null, { timeout: 60000 });
    times.push(await page.evaluate(() => globalThis.firstPaint));
    await context.close();
  }
  return Math.round(times.sort((a, b) => a - b)[1]);
}

/** How long the coordinator takes for what is painted: the first paint cannot come before. The median of three. */
async function answerTime(base) {
  const times = [];
  for (let i = 0; i < 3; i += 1) {
    const began = performance.now();
    await (await fetch(`${base}api/v1/matrix?layout=columns`)).arrayBuffer();
    times.push(performance.now() - began);
  }
  return Math.round(times.sort((a, b) => a - b)[1]);
}

/** What somebody does with a large mesh, each from the key or click to the frame that shows it; milliseconds. */
async function operating(page, sites) {
  const took = {};
  const time = async (name, act, seen, wanted = null) => {
    const began = performance.now();
    await act();
    await page.waitForFunction(seen, wanted, { timeout: 60000, polling: "raf" });
    await painted(page);
    took[name] = Math.round(performance.now() - began);
  };
  const order = (name) => time(`order_${name}`, () => page.selectOption("#order", name),
    (wanted) => new URLSearchParams(location.hash.slice(1)).get("order") === wanted, name);
  await order("worst");
  await order("similar");
  await page.selectOption("#order", "given");
  const far = `krakow-${sites / 30 | 0}`;
  await time("find", async () => {
    await page.fill("#find", far);
    await page.keyboard.press("Enter");
  }, () => document.querySelectorAll(".site.found").length === 2);
  await time("whole_mesh", () => page.click("#fit"), () => document.querySelector(".grid.nameless") !== null);
  await page.click("#fit");
  await time("past", () => page.$eval("#instant", (slider) => {
    slider.value = "235";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }), () => document.querySelector("#notice").textContent.startsWith("This is the past"));
  await page.click("#to-now");
  await time("link", async () => {
    await page.fill("#find", `berlin ${far}`);
    await page.keyboard.press("Enter");
  }, () => document.querySelector("#panel").dataset.complete === "true");
  await page.keyboard.press("Escape");
  return took;
}

async function measure(browser, bin, sites) {
  const mesh = new Mesh(bin, { sites, rate: 1000, hours: 0.2, well: true });
  try {
    const base = await mesh.start();
    await mesh.settled(60000).catch((error) => console.error(String(error.message)));
    await calm(base);
    const first_paint_ms = await firstPaint(browser, base);
    const answer_ms = await answerTime(base);
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(base);
    await page.waitForSelector("body.loaded", { timeout: 60000 });
    await page.waitForTimeout(2500);
    const panning = figures(await page.evaluate(watchFrames, [seconds, true]));
    const changing = figures(await page.evaluate(watchFrames, [seconds, false]));
    const operating_ms = await operating(page, sites);
    await context.close();
    return { sites, first_paint_ms, answer_ms, panning, changing, operating_ms };
  } finally {
    await mesh.stop();
  }
}

const [bin, ...sizes] = process.argv.slice(2);
if (!bin) {
  console.error("usage: node tests/ui/bench.mjs PROGRAMS [SITES...]");
  process.exit(2);
}
const browser = await launch();
try {
  for (const sites of sizes.length > 0 ? sizes.map(Number) : [300, 1000]) console.log(JSON.stringify(await measure(browser, resolve(bin), sites)));
} finally {
  await browser.close();
}
