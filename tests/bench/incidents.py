"""What broke? Seeded faults through the coordinator's rules and causes, beside two simpler schemes (docs/benchmarks.md)."""

import json
import subprocess

from host import BIN

# sites, faults at once, kind, scenarios; with --full ten times as many up to 20 sites, four times beyond.
KINDS = [(3, 1, "whole", 600), (6, 1, "whole", 300), (6, 1, "partial", 300), (6, 2, "whole", 200), (10, 1, "partial", 100),
         (20, 1, "whole", 60), (20, 2, "partial", 40), (50, 1, "partial", 8), (100, 1, "whole", 4), (3, 1, "measuring", 300),
         (6, 1, "measuring", 200), (20, 1, "measuring", 20), (3, 0, "whole", 600), (6, 0, "whole", 300), (20, 0, "whole", 20)]


def play(sites, faults, kind, count):
    done = subprocess.run([BIN / "bench_incidents", str(sites), str(faults), kind, str(count)],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def share(part, whole):
    return part / whole * 100 if whole else None


def percent(part, whole):
    return f"{part / whole:.1%}" if whole else "-"


def time_search(report):
    """One link in 14 of 300 sites is bad: how long one search for the causes takes, of which a request has to wait."""
    done = subprocess.run([BIN / "bench_incidents", "--search", "300", "14"], capture_output=True, text=True, check=True)
    took = json.loads(done.stdout)
    report.goal("incidents: a search for causes, 300 sites, 1 link in 14 bad", max(took["one_way_ms"], took["loop_ms"]), 150, " ms")


def judge(report, played):
    def pooled(key, rows):
        return sum(row[key] for row in rows)

    broken = [row for row in played if row["faults"]]
    three = [row for row in broken if row["sites"] == 3]
    more = [row for row in broken if row["sites"] >= 6]
    report.goal("incidents: cause right, 3 sites", share(pooled("right", three), pooled("injected", three)), 95, " %", least=True)
    report.goal("incidents: cause right, 6 sites and more", share(pooled("right", more), pooled("injected", more)), 98, " %",
                least=True)
    report.goal("incidents: of those opened, not what was broken", share(pooled("wrong", broken), pooled("incidents", broken)), 1,
                " %")
    well = [row for row in played if not row["faults"]]
    report.goal("incidents: opened where nothing was broken, of scenarios", share(pooled("incidents", well), pooled("scenarios", well)),
                1, " %")
    report.goal("incidents: exactly one for each fault, of scenarios", share(pooled("single", broken), pooled("scenarios", broken)),
                98, " %", least=True)
    report.goal("incidents: intervals until it is raised, worst median", max(row["raise_p50"] for row in broken), 3)


def run(report, full):
    played = []
    for sites, faults, kind, count in KINDS:
        more = 1 if not full else 10 if sites <= 20 else 4
        played.append(play(sites, faults, kind, count * more))
    rows = []
    for row in played:
        fault = {0: "none", 1: "one", 2: "two at once"}[row["faults"]]
        fault += {"whole": "", "partial": ", partial", "measuring": ", of the measuring"}[row["kind"]]
        if not row["faults"]:
            rows.append([row["sites"], fault, row["scenarios"], "-", row["incidents"], "-", "-", "-", "-",
                         f"{row['alerts_by_link'] / row['scenarios']:.1f}"])
            continue
        rows.append([row["sites"], fault, row["scenarios"], percent(row["right"], row["injected"]),
                     percent(row["wrong"], row["incidents"]), percent(row["single"], row["scenarios"]),
                     f"{row['raise_p50']} / {row['raise_p95']}", f"{row['clear_p50']} / {row['clear_p95']}",
                     f"{percent(row['maddash_right'], row['injected'])}, {percent(row['maddash_wrong'], row['maddash_named'])}",
                     f"{row['alerts_by_link'] / row['scenarios']:.1f}"])
    report.table("Seeded faults with 5 % missed and 1 % false verdicts; times in intervals, p50 / p95",
                 ["sites", "faults", "scenarios", "cause right", "wrong incidents", "one for each fault", "to raise", "to clear",
                  "MaDDash's rules: right, wrong of named", "one alert for each link: alerts"], rows)
    judge(report, played)
    time_search(report)
