"""How fresh a matrix the timetable allows, beside its lower bound and two other ways to keep runs apart; no packet is sent."""

import json
import os
import subprocess


SITES = (3, 10, 21, 50, 300, 1000)


def measured(sites):
    folder = os.environ.get("SONDE_BIN", "build/bin")
    done = subprocess.run([os.path.join(folder, "sonde-bench-timetable"), *map(str, sites)], capture_output=True, text=True,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(report, full):
    del full  # it takes seconds either way
    lines = measured(SITES)
    rows = [line for line in lines if "wish" not in line]
    wishes = [line for line in lines if "wish" in line]
    report.table(
        "Timetable: cycle of a directed mesh of 10 s runs, and the age of the oldest cell just before it is renewed",
        ("sites", "lower bound", "Sonde", "oldest", "full duplex", "one at a time", "oldest", "pairs negotiate", "oldest"),
        [(row["sites"], *(f"{row[key]:,.0f} s" for key in ("bound_s", "cycle_s", "oldest_s", "duplex_cycle_s", "token_cycle_s",
                                                          "token_oldest_s", "negotiated_cycle_s", "negotiated_oldest_s")))
         for row in rows])
    report.table("Planning", ("sites", "anew", "one site joins", "runs moved by it", "runs that stay", "it leaves"),
                 [(row["sites"], f"{row['planned_s']:.3f} s", f"{row['joined_s']:.3f} s", f"{row['join_moved']:,}",
                   f"{row['join_kept']:,}", f"{row['left_s']:.3f} s")
                  for row in rows])
    report.table(f"A site joins {rows[-1]['sites']:,} sites that are not all alike, and leaves",
                 ("the mesh has", "anew", "joins", "new runs", "runs moved by it", "runs that stay", "leaves"),
                 [(row["wish"], f"{row['planned_s']:.2f} s", f"{row['joined_s']:.3f} s", f"{row['new_runs']:,}",
                   f"{row['join_moved']:,}", f"{row['join_kept']:,}", f"{row['left_s']:.3f} s") for row in wishes])
    for row in rows:
        report.goal(f"G8 cycle against the bound, {row['sites']} sites", row["cycle_s"] / row["bound_s"], 1.05)
    report.goal("conflicts in all timetables", sum(row["conflicts"] for row in lines), 0)
    largest = rows[-1]
    report.goal(f"planning {largest['sites']} sites", largest["planned_s"], 2, " s")
    report.goal(f"a site joins {largest['sites']} sites", largest["joined_s"] * 1000, 200, " ms")
    report.goal("it leaves again", largest["left_s"] * 1000, 200, " ms")
    for row in wishes:
        report.goal(f"planning {row['sites']} sites where there are {row['wish']}", row["planned_s"], 2, " s")
        report.goal(f"it joins where there are {row['wish']}", row["joined_s"] * 1000, 200, " ms")
        report.goal(f"it leaves where there are {row['wish']}", row["left_s"] * 1000, 200, " ms")
        report.goal(f"runs moved for each new one, {row['wish']}", row["join_moved"] / row["new_runs"], 2)
