#!/usr/bin/env python3
"""Sonde beside the tools that experts use today (docs/benchmarks.md). `./dev bench` builds what this needs and calls it.

run.py NAME [--full]   exits 1 where a goal is missed; without a name it lists them
run.py --smoke         a second or two: the harness itself works
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import cost
import grid
import incidents
import latency
import page
import sim
import store
import throughput
import timetable
from host import environment, program
from report import Report, conditions

PROBES = {"latency": latency.run, "cost": cost.run, "throughput": throughput.run}
SUBJECTS = PROBES | {"grid": grid.run, "timetable": timetable.run, "sim": sim.run, "store": store.run,
                     "incidents": incidents.run, "page": page.run}
NAMES = {name: [name] for name in SUBJECTS} | {"probes": list(PROBES)}


def versions():
    words = []
    for name, option in (("ping", "-V"), ("fping", "-v"), ("irtt", "version"), ("sockperf", "--version"),
                         ("iperf3", "--version"), ("nuttcp", "-V")):
        if program(name):
            done = subprocess.run([program(name), option], env=environment(), capture_output=True, text=True, check=False)
            text = (done.stdout + done.stderr).strip().splitlines()
            words.append(text[0].split(": ")[-1] if text else name)
    return ", ".join(words)


def main(words):
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        return 0 if "--smoke" in words else 1
    if words == ["--smoke"]:
        latency.smoke()
        return 0
    names = [word for word in words if word != "--full"] or ["probes"]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark is called '{unknown[0]}'; there are: {' '.join(NAMES)}", file=sys.stderr)
        return 2
    report = Report()
    conditions(versions())
    for name in dict.fromkeys(subject for wanted in names for subject in NAMES[wanted]):
        SUBJECTS[name](report, "--full" in words)
    print("\nAll goals:")
    print("\n".join(report.lines))
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
