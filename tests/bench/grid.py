"""G7 over a grid of rates, token buckets and round trips: Sonde and `iperf3 -t 5` in turns over each link.

Alone, `grid.py WORDS` hands its words to bench_throughput_grid, for tuning on other points than the goal's.
"""

import json
import os
import subprocess
import sys

from host import BIN, PEERS, environment, program
from report import Report, ratio

ENDS = {0: "settled", 1: "duration", 2: "budget", 3: "slot", 4: "closed"}


def measured(words):
    """One dictionary for each run, as they come."""
    env = environment()
    env["PATH"] = os.pathsep.join([str(PEERS / "usr" / "bin"), env["PATH"]])
    with subprocess.Popen([BIN / "bench_throughput_grid", *words], env=env, stdout=subprocess.PIPE, text=True) as done:
        for line in done.stdout:
            yield json.loads(line)
    if done.returncode != 0:
        raise RuntimeError(f"bench_throughput_grid ended with {done.returncode}")


def error(run):
    """Of the steady throughput, in percent; 100 where there is none."""
    said = run["sonde"]["throughput"]
    return 100.0 if said is None else abs(said / run["truth_bps"] - 1) * 100


def row(run):
    sonde, iperf3 = run["sonde"], run.get("iperf3") or {}
    share = "none" if sonde["throughput"] is None else f"{sonde['throughput'] / run['truth_bps']:.4f}"
    cells = [f"{run['rate_bps'] / 1e3:,.1f}", f"{run['bucket_bytes'] / 1e3:.1f}", f"{run['round_trip_s'] * 1e3:.0f}", run["shaper"],
             share, f"{sonde['seconds']:.2f}", f"{sonde['octets'] / 1e6:.3f}", f"{run['idle_after_s']:.2f}", ENDS.get(sonde["ended_by"], ""),
             f"{run['drops']}"]
    if sonde["outcome"] != "ok":
        cells[8] = f"{sonde['outcome']}: {sonde['reason']}"
    return cells + ([f"{iperf3['seconds']:.1f}", f"{iperf3['octets'] / 1e6:.3f}"] if iperf3 else ["", ""])


COLUMNS = ["kbit/s", "bucket kB", "round trip ms", "shaper", "steady / true", "s", "MB on the link", "busy after it, s", "ended by", "drops",
           "iperf3 s", "iperf3 MB"]


def judge(report, runs):
    def worst(figure, chosen):
        figures = [figure(run) for run in runs if chosen(run["rate_bps"])]
        if not figures:
            return None
        return None if None in figures else max(figures)

    def of_iperf3(field):
        return lambda run: ratio(run["sonde"][field], run["iperf3"][field]) if run.get("iperf3") else None

    report.goal("G7 grid: steady throughput, worst error from 1 Mbit/s on", worst(error, lambda rate: rate >= 1e6), 1, " %")
    report.goal("G7 grid: steady throughput, worst error below 1 Mbit/s", worst(error, lambda rate: rate < 1e6), 2, " %")
    report.goal("G7 grid: idle after the run, beyond one queue, worst", worst(lambda run: run["idle_after_s"] - run["queue_s"], lambda _: True),
                0.5, " s")
    if not any(run.get("iperf3") for run in runs):
        report.skipped("G7 grid: octets and time", "iperf3 is not here")
        return
    report.goal("G7 grid: octets of iperf3 -t 5's, from 37 Mbit/s on, worst", worst(of_iperf3("octets"), lambda rate: rate >= 37e6), 0.2)
    report.goal("G7 grid: time of iperf3 -t 5's, up to 5 Mbit/s, worst", worst(of_iperf3("seconds"), lambda rate: rate <= 5e6), 1 / 3)


def run(report, full):
    """The kept half; all points with `full`."""
    runs = list(measured((["--all"] if full else []) + (["--iperf3"] if program("iperf3") else [])))
    report.table("Throughput over the grid: Sonde, then iperf3 -t 5", COLUMNS, [row(one) for one in runs])
    judge(report, runs)


if __name__ == "__main__":
    seen = []
    for one in measured(sys.argv[1:]):
        seen.append(one)
        print(" | ".join(row(one)), flush=True)
    judge(Report(), seen)
