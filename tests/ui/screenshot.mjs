// node tests/ui/screenshot.mjs URL FILE [--dark] [--width N] [--height N] [--scale N] [--full] [--link FROM TO] [--wait SECONDS]
import { launch, open } from "./browser.mjs";

const [url, file, ...rest] = process.argv.slice(2);
if (!url || !file) {
  console.error("usage: node tests/ui/screenshot.mjs URL FILE [--dark] [--width N] [--height N] [--scale N] [--full] [--link FROM TO] [--wait SECONDS]");
  process.exit(2);
}
const after = (flag, otherwise) => (rest.includes(flag) ? rest[rest.indexOf(flag) + 1] : otherwise);
const link = rest.includes("--link") ? rest.slice(rest.indexOf("--link") + 1).slice(0, 2) : null;

const target = new URL(url);
if (link) target.hash = new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(target.hash.slice(1))), from: link[0], to: link[1] });
const browser = await launch();
try {
  const { page } = await open(browser, target.href, {
    width: Number(after("--width", 1280)), height: Number(after("--height", 800)),
    scale: Number(after("--scale", 1)), dark: rest.includes("--dark"),
  });
  await page.waitForSelector("body.loaded");
  await page.waitForTimeout(1000 * Number(after("--wait", 1)));
  await page.screenshot({ path: file, fullPage: rest.includes("--full") });
  console.log(`wrote ${file}`);
} finally {
  await browser.close();
}
