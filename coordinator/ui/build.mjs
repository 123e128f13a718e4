// Builds the page into a folder: node build.mjs [OUT]   (or $SONDE_PAGE_OUT; without either: ./dist)
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? process.env.SONDE_PAGE_OUT ?? join(here, "dist");
mkdirSync(out, { recursive: true });

await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2021"],
  legalComments: "none",
  logLevel: "warning",
});
await build({
  absWorkingDir: here,
  entryPoints: { app: "src/style/app.css" },
  outdir: out,
  bundle: true,
  minify: true,
  logLevel: "warning",
});
for (const file of readdirSync(join(here, "static"))) copyFileSync(join(here, "static", file), join(out, file));
