"""A whole mesh in one process under everything that hosts and networks do (tests/sim); no packet is sent."""

import json
import os
import subprocess
import time

SHORT = {"sites": 300, "hours": 4}
FULL = {"sites": 1000, "hours": 24}


def run(report, full):
    wanted = FULL if full else SHORT
    folder = os.environ.get("SONDE_BIN", "build/bin")
    began = time.monotonic()
    done = subprocess.run([os.path.join(folder, "sonde-sim"), "--sites", str(wanted["sites"]), "--hours", str(wanted["hours"])],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"sonde-sim ended with {done.returncode}")
    seen = json.loads(done.stdout)
    took = time.monotonic() - began
    counts = ("generations", "runs_ok", "runs_busy", "runs_skipped", "runs_failed", "steps", "deaths", "sleeps", "partitions",
              "coordinator_deaths", "events")
    report.table(f"{wanted['sites']} sites for {wanted['hours']} h, simulated in {took / 60:.1f} min",
                 ("what", "how often"), [(name.replace("_", " "), f"{seen[name]:,}") for name in counts])
    report.goal("conflicting runs in the simulation", len(seen["conflicts"]), 0)
    report.goal("overlaps by the coordinator's own audit", seen["audited_overlaps"], 0)
    report.goal("other broken promises in the simulation", len(seen["broken"]), 0)
    report.goal("minutes for a simulated day", took / 60 * 24 / wanted["hours"], 30, " min")
