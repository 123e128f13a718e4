"""What the coordinator takes in and keeps (G9, G10) beside VictoriaMetrics and plain SQLite; how long it takes to answer (G11)."""

import http.client
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import tempfile
import time

from host import BIN, cpu_seconds, environment, program
from report import median, ratio

SITES = 20
VICTORIA_PORT = 18428
KINDS = {"bare": "without distributions", "rtt": "with the round trips'", "full": "with all five distributions",
         "mix": "as the default policy has them"}


def wait_for(what, limit=30):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.05)
    raise RuntimeError("it took too long")


def answers(port, path):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def coordinator(kind, count):
    """Results a second, CPU of the coordinator for each in us until all are acknowledged, octets of a sealed one, the
    CPU until all are sealed, and that of the agents, which share the machine."""
    with tempfile.TemporaryDirectory(prefix="sonde-bench-") as name:
        folder = pathlib.Path(name)
        words = [str(folder), str(SITES), kind, str(count)]
        subprocess.run([BIN / "bench_ingest", "write", *words], check=True)
        with open(folder / "log", "wb") as log:
            running = subprocess.Popen([BIN / "sonde-coordinator", "--config", folder / "coordinator.yaml"], stderr=log)
        try:
            wait_for(lambda: answers(18290, "/readyz"))
            sender = subprocess.Popen([BIN / "bench_ingest", "send", *words], stdout=subprocess.PIPE, text=True)
            sender.stdout.readline()
            cpu = cpu_seconds(running.pid)
            line = sender.stdout.read()
            begun, cpu = cpu, cpu_seconds(running.pid) - cpu
            if sender.wait() != 0:
                raise RuntimeError(f"bench_ingest failed: {line}")
            found = re.search(r"(\d+) results in ([\d.]+) s, .*, ([\d.]+) us of the agents", line)
            results, seconds = int(found.group(1)), float(found.group(2))
            sealed = lambda: sqlite3.connect(f"file:{folder}/results.db?mode=ro", uri=True).execute(
                "SELECT ifnull(sum(results), 0), ifnull(sum(length(body)), 0) FROM chunks").fetchone()
            wait_for(lambda: sealed()[0] >= 0.9 * results, 60)
            rows, octets = sealed()
            sealing = cpu_seconds(running.pid) - begun
            return results / seconds, 1e6 * cpu / results, octets / rows, 1e6 * sealing / results, float(found.group(3))
        finally:
            stop(running)


def plain(kind, count):
    with tempfile.TemporaryDirectory(prefix="sonde-bench-") as folder:
        done = subprocess.run([BIN / "bench_ingest", "plain", folder, str(SITES), kind, str(count)], capture_output=True,
                              text=True, check=True)
    found = re.search(r"(\d+) results in ([\d.]+) s, ([\d.]+) us of CPU each, ([\d.]+) octets", done.stdout)
    return int(found.group(1)) / float(found.group(2)), float(found.group(3)), float(found.group(4)), None, None


def influx_lines(count):
    """Rows as somebody would keep results there: six fields of a latency result."""
    draw = random.Random(1)
    now = time.time_ns() - 600_000_000_000
    links = [(a, b) for a in range(SITES) for b in range(SITES) if a != b]
    step = 600_000_000_000 // count
    for i in range(count):
        a, b = links[i % len(links)]
        rtt = 0.04 + draw.random() / 1000
        yield (f"latency,from=site-{a},to=site-{b} p50={rtt:.9f},p95={rtt * 1.02:.9f},min={rtt * 0.99:.9f},max={rtt * 1.2:.9f},"
               f"jitter={draw.random() / 1e4:.9f},loss={int(draw.random() < 0.01) / 50} {now + i * step}\n")


def victoria(count):
    """The same of VictoriaMetrics over its influx port; octets after it has written everything to disk."""
    if not program("victoria-metrics"):
        return None
    lines = list(influx_lines(count))
    bodies = ["".join(lines[i:i + 5000]) for i in range(0, count, 5000)]
    with tempfile.TemporaryDirectory(prefix="sonde-bench-") as folder:
        running = subprocess.Popen(
            [program("victoria-metrics"), f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{VICTORIA_PORT}",
             "-retentionPeriod=1y"], env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: answers(VICTORIA_PORT, "/health"))
            cpu, begin = cpu_seconds(running.pid), time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", VICTORIA_PORT, timeout=60)
            for body in bodies:
                connection.request("POST", "/write", body)
                answer = connection.getresponse()
                answer.read()
                if answer.status >= 300:
                    raise RuntimeError(f"VictoriaMetrics answers {answer.status}")
            seconds, cpu = time.monotonic() - begin, cpu_seconds(running.pid) - cpu
            answers(VICTORIA_PORT, "/internal/force_flush")
        finally:
            stop(running)
        octets = sum(file.stat().st_size for file in pathlib.Path(folder, "data", "data").rglob("*") if file.is_file())
    return count / seconds, 1e6 * cpu / count, octets / count, None, None


def taken_in(report, full):
    count, rounds = (400_000, 5) if full else (100_000, 2)
    runs = {kind: [] for kind in KINDS} | {"sqlite": [], "victoria": []}
    for _ in range(rounds):  # in turns, so that a slow minute meets all
        for kind in KINDS:
            runs[kind].append(coordinator(kind, count))
        runs["sqlite"].append(plain("rtt", count))
        runs["victoria"].append(victoria(count))
    middle = {name: [median([run[i] for run in those if run and run[i] is not None]) for i in range(5)]
              for name, those in runs.items()}
    cost = lambda name: middle[name][1]
    for kind in ("bare", "mix"):
        report.goal(f"G9 results/s taken in durably, {KINDS[kind]}", middle[kind][0], 200_000, "/s", least=True)
    if cost("victoria") is None:
        report.skipped("G9 CPU for a result of VictoriaMetrics'", "victoria-metrics cannot be had")
    else:
        for kind in ("bare", "rtt", "mix"):
            report.goal(f"G9 CPU for a result of VictoriaMetrics', {KINDS[kind]}", ratio(cost(kind), cost("victoria")), 0.5)
    report.goal("G10 octets of a sealed result, without its distribution", middle["bare"][2], 16, " B")
    report.goal("G10 octets of a sealed result, with its distribution", middle["rtt"][2], 48, " B")
    # In 30 s three latency results and a connect, as they are in the mix.
    week = 50 * 49 * 7 * 86400 / 30 * 4 * middle["mix"][2]
    report.goal("G10 a week of raw results of 50 sites at the default policy", week / 1e9, 10, " GB")
    names = {kind: f"Sonde, {text}" for kind, text in KINDS.items()} | {
        "sqlite": "SQLite, a row and an index", "victoria": "VictoriaMetrics, six fields"}
    report.table("Taking in", ["", "results/s", "CPU us for each", "octets for each", "CPU us until sealed", "agents' CPU us",
                               "CPU of VictoriaMetrics'"],
                 [[names[name], *(f"{value:,.1f}" if value is not None else "-" for value in figures),
                   f"{figures[1] / cost('victoria'):.2f}" if figures[1] and cost("victoria") else "-"]
                  for name, figures in middle.items()])


def measure(sites, days, minutes):
    """What bench_history says: octets of an hour of a link, of a minute and of a result, and milliseconds by question."""
    with tempfile.TemporaryDirectory(prefix="sonde-bench-") as folder:
        done = subprocess.run([BIN / "bench_history", str(sites), str(days), str(minutes), folder], capture_output=True, text=True,
                              check=True)
    print(done.stdout, flush=True)
    octets = [float(each) for each in re.findall(r"([\d.]+) octets each", done.stdout)]
    times = {what: float(ms) for what, ms in re.findall(r"^(.*): ([\d.]+) ms", done.stdout, re.MULTILINE)}
    return octets, times


def answered(report, full):
    """A mesh of 50 sites for the matrix; a few links over a year for the series. With --full 50 sites over a month."""
    octets, times = measure(50, 30 if full else 2, 70)
    for window in ("1 h", "24 h", "1 h with minutes and results", "24 h with minutes and results"):
        report.goal(f"store: matrix of 50 sites at an instant, window {window}", times[f"matrix of {window}"], 100, " ms")
    scale = 1000 * 999 / (50 * 49)
    report.goal("G11 matrix of 1,000 sites of 24 h, scaled from 50 sites' past", times["matrix of 24 h"] * scale, 50, " ms")
    _, times = measure(3, 365, 0)
    report.goal("store: series of a year of one link", times["series of all days"], 200, " ms")
    links = 50 * 49
    rows = [links * 8760, links * 7 * 86400 / 30 * 4, links * 7 * 1440, links * 30 * 1440]
    of_one = [octets[0], octets[1], octets[2], octets[2]]
    report.table("A year of 50 sites, from the octets of each", ["", "rows", "octets each", "GB"],
                 [[what, f"{count:,.0f}", f"{each:,.0f}", f"{count * each / 1e9:.1f}"] for what, count, each in zip(
                     ("hours of a year", "results of a week", "minutes of a week", "minutes of 30 days"), rows, of_one)])


def run(report, full):
    taken_in(report, full)
    answered(report, full)
