"""Goals and tables. A goal is a line `name  figure  bar  ok`; a table is Markdown, as docs/benchmarks.md has it."""

import datetime
import math
import os
import platform
import statistics
import subprocess


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Report:
    def __init__(self):
        self.missed = 0
        self.lines = []

    def goal(self, name, figure, bar, unit="", least=False):
        """figure <= bar (or >= bar with `least`); None where it could not be measured, which is no pass."""
        sign = ">=" if least else "<="
        if figure is None:
            verdict, shown = "MISSED", "not measured"
        else:
            verdict = "ok" if (figure >= bar if least else figure <= bar) else "MISSED"
            shown = f"{figure:,.3g}{unit}" if abs(figure) < 1000 else f"{figure:,.0f}{unit}"
        self.missed += verdict != "ok"
        self.lines.append(f"{name:<62} {shown:>14}   {sign} {bar:,g}{unit:<8} {verdict}")
        print(self.lines[-1], flush=True)

    def skipped(self, name, why):
        """What needs a tool that this machine does not have."""
        self.lines.append(f"{name:<62} skipped: {why}")
        print(self.lines[-1], flush=True)

    def table(self, title, columns, rows):
        print(f"\n**{title}**\n")
        print("| " + " | ".join(columns) + " |")
        print("|" + "---|" * len(columns))
        for row in rows:
            print("| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |")
        print(flush=True)


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def ratio(figure, other):
    return figure / other if figure is not None and other else None


def conditions(versions):
    """What the figures belong to."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    print(f"{today}; Sonde {commit.stdout.strip() or 'unknown'}; Linux {platform.release()}; {os.cpu_count()} x {cpu}; "
          f"load before it {load}; {versions}", flush=True)
