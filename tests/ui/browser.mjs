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

/** A page that remembers what went wrong in it. */
export async function open(browser, url, { width = 1440, height = 900, dark = false, touch = false, scale = 1 } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: dark ? "dark" : "light", hasTouch: touch, deviceScaleFactor: scale,
  });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.addInitScript(() => {
    globalThis.cspViolations = [];
    document.addEventListener("securitypolicyviolation", (event) => globalThis.cspViolations.push(event.violatedDirective));
  });
  await page.goto(url);
  return { page, context, problems };
}

export async function matrixShown(page, timeout = 15000) {
  await page.waitForSelector("body.loaded", { timeout });
  await page.waitForSelector("#cells td[data-from]", { state: "attached", timeout });
}
