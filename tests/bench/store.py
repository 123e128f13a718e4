"""The past: how long the coordinator takes to answer, how large hours are. Everything else of the store: docs/storage.md."""

import re
import subprocess
import tempfile

from host import BIN


def measure(sites, days):
    """What bench_history says: octets of an hour of a link, and milliseconds by question."""
    with tempfile.TemporaryDirectory(prefix="sonde-bench-") as folder:
        done = subprocess.run([BIN / "bench_history", str(sites), str(days), folder], capture_output=True, text=True,
                              check=True)
    print(done.stdout, flush=True)
    octets = re.search(r"(\d+) octets each", done.stdout)
    times = {what: float(ms) for what, ms in re.findall(r"^(.*): ([\d.]+) ms", done.stdout, re.MULTILINE)}
    return int(octets.group(1)), times


def run(report, full):
    """A mesh of 50 sites for the matrix; a few links over a year for the series. With --full 50 sites over a month."""
    octets, times = measure(50, 30 if full else 3)
    report.goal("store: matrix of 50 sites at an instant, window 1 h", times["matrix of 1 h"], 100, " ms")
    report.goal("store: matrix of 50 sites at an instant, window 24 h", times["matrix of 24 h"], 100, " ms")
    _, times = measure(3, 365)
    report.goal("store: series of a year of one link", times["series of all days"], 200, " ms")
    links = 50 * 49
    report.table("Hours of a year, five distributions each", ["sites", "hours of links", "GB"],
                 [[50, f"{links * 8760:,}", f"{links * 8760 * octets / 1e9:.1f}"]])
