"""The page in Chromium without a graphics card (tests/ui/bench.mjs): first paint, and frames while it moves and changes."""

import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def runner():
    """The tests' programs beside their one dependency, as `./dev test page` has them; the source tree stays clean."""
    folder = ROOT / "build" / "ui-tests"
    folder.mkdir(parents=True, exist_ok=True)
    for file in (ROOT / "tests" / "ui").iterdir():
        if file.suffix in (".mjs", ".json"):
            shutil.copy(file, folder)
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        subprocess.run(["npm", "ci", "--prefix", folder, "--no-audit", "--no-fund"], check=True)
        shutil.copy(lock, installed)
    return folder / "bench.mjs"


def run(report, full):
    del full
    if not (shutil.which("chromium") or os.environ.get("SONDE_CHROMIUM")) or not shutil.which("node"):
        report.skipped("the page", "chromium or node is not installed")
        return
    folder = os.environ.get("SONDE_BIN", str(ROOT / "build" / "bin"))
    done = subprocess.run(["node", runner(), folder], stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    report.table("The page: a made-up mesh on a real coordinator, 1,440 x 900, software drawing",
                 ("sites", "first paint", "of it the coordinator", "panning", "p95 frame", "worst", "1,000 cells/s change", "p95 frame", "worst"),
                 [(row["sites"], f"{row['first_paint_ms']} ms", f"{row['answer_ms']} ms",
                   *(cell for part in ("panning", "changing") for cell in
                     (f"{row[part]['frames_s']} frames/s", f"{row[part]['p95_ms']} ms", f"{row[part]['worst_ms']} ms")))
                  for row in rows])
    doing = {"find": "find a site", "order_worst": "worst first", "order_similar": "by similarity", "whole_mesh": "whole mesh",
             "past": "an instant of the past", "link": "a link with all of its charts"}
    report.table("From the key or click to the frame that shows it",
                 ("sites", *doing.values()), [(row["sites"], *(f"{row['operating_ms'][name]} ms" for name in doing)) for row in rows])
    for row in rows:
        report.goal(f"G11 page: first paint, {row['sites']} sites", row["first_paint_ms"], 1000, " ms")
        report.goal(f"G11 page: panning, {row['sites']} sites", row["panning"]["frames_s"], 59, "/s", least=True)
        report.goal(f"page: 1,000 cells/s change, {row['sites']} sites", row["changing"]["frames_s"], 59, "/s", least=True)
