// Chromium as Debian packages it, driven by playwright-core (npm ci --prefix tests/ui).
import { existsSync } from "node:fs";

const executables = [process.env.SONDE_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export async function launch() {
  const executablePath = executables.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("no Chromium found; install the package chromium or set SONDE_CHROMIUM");
  const { chromium } = await import("playwright-core").catch(() => {
    throw new Error("playwright-core is missing; run: npm ci --prefix tests/ui");
  });
  return chromium.launch({ executablePath, args: flags });
}

/** Pages that are done with, by what they were opened with: a new one costs half a second. */
const kept = new Map();

async function blankPage(browser, { width, height, dark, touch, scale }) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: dark ? "dark" : "light", hasTouch: touch, deviceScaleFactor: scale,
  });
  const page = await context.newPage();
  const watch = { page, problems: [] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") watch.problems.push(message.text());
  });
  page.on("pageerror", (error) => watch.problems.push(String(error)));
  await page.addInitScript(() => {
    globalThis.cspViolations = [];
    globalThis.moved = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (!entry.hadRecentInput) globalThis.moved.push({ value: entry.value, what: entry.sources.map(({ node, previousRect: a, currentRect: b }) => `${node?.id || node?.className || node?.nodeName} ${a.x},${a.y} -> ${b.x},${b.y}`) });
    }).observe({ type: "layout-shift", buffered: true });
    document.addEventListener("securitypolicyviolation", (event) => globalThis.cspViolations.push(event.violatedDirective));
  });
  return watch;
}

/** A page that remembers what went wrong in it; close() after it, unless the browser ends. */
export async function open(browser, url, { width = 1440, height = 900, dark = false, touch = false, scale = 1 } = {}) {
  const options = { width, height, dark, touch, scale };
  const key = JSON.stringify(options);
  const watch = kept.get(key)?.pop() ?? await blankPage(browser, options);
  const { page } = watch;
  watch.problems = [];
  await page.goto(url);
  const close = async () => {
    await page.context().setOffline(false);
    await page.mouse.move(0, 0);
    await page.evaluate(() => sessionStorage.clear());
    await page.goto("about:blank");
    kept.set(key, [...(kept.get(key) ?? []), watch]);
  };
  return { page, problems: watch.problems, close };
}

export async function matrixShown(page, timeout = 15000) {
  await page.waitForSelector("body.loaded", { timeout });
  await page.waitForSelector("#cells td[data-from]", { state: "attached", timeout });
}

/** Two frames later all that was asked for is drawn. */
export function painted(page) {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

const complete = {
  matrix: "body.loaded #matrix-place:not([hidden])",
  link: '#panel:not([hidden])[data-complete="true"]',
  incidents: "#incidents-nothing:not(:empty), #incident-list li",
  sites: "#sites-body tr",
  timetable: "#usage-body tr",
  map: "#map-names button",
};

/** Until a place shows all that it has. */
export async function placeShown(page, place, timeout = 20000) {
  await page.waitForSelector("body.loaded", { timeout });
  await page.waitForSelector(complete[place], { state: "attached", timeout });
  await painted(page);
}
