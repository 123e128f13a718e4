"""The page in Chromium without a graphics card (tests/ui/bench.mjs): first paint, and frames while it moves and changes."""

import json
import os
import pathlib
import shutil
import subprocess

from host import BIN

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


def live_matrix(report):
    """The coordinator's half of G11: what a link takes in memory, and how long the cells of a large mesh take."""
    rows = [json.loads(subprocess.run([BIN / "bench_matrix", sites, results], capture_output=True, text=True, check=True).stdout)
            for sites, results in (("1000", "1"), ("200", "2"), ("200", "30"))]
    report.table("The live matrix by itself: latency results of the default policy, five distributions of 50 samples each",
                 ("sites", "results for each link", "octets for each link", "to take in a result", "cells of a window that is kept",
                  "of one that nobody asked for before"),
                 [(row["sites"], row["results"], row["octets_per_link"], f"{row['result_us']} us", f"{row['hour_again_ms']} ms",
                   f"{row['five_minutes_first_ms']} ms") for row in rows])
    report.goal("G11 matrix: cells of 1 h, kept, 1,000 sites", rows[0]["hour_again_ms"], 50, " ms")
    report.goal("G11 matrix: cells of 5 min, kept, 1,000 sites", rows[0]["five_minutes_ms"], 50, " ms")
    report.goal("G11 matrix: cells of another window, 1,000 sites", rows[0]["five_minutes_first_ms"], 2000, " ms")
    report.goal("G11 matrix: a link with 30 results", rows[2]["octets_per_link"], 1000, " octets")


def run(report, full):
    del full
    live_matrix(report)
    if not (shutil.which("chromium") or os.environ.get("SONDE_CHROMIUM")) or not shutil.which("node"):
        report.skipped("the page", "chromium or node is not installed")
        return
    done = subprocess.run(["node", runner(), BIN], stdout=subprocess.PIPE, text=True, check=True)
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
