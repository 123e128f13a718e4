"""G7 on a few shapes: what iperf3, nuttcp and Sonde report of a link whose payload rate is known, and what it costs the link."""

import json
import re
import time

from host import BIN, Lab, program
from report import median, ratio

NEAR, FAR = "10.77.1.1", "10.77.2.1"
SEGMENT = 1448 / 1514  # payload of a full segment of what the shaper counts
# Rate in bit/s, token bucket and queue in octets. A slow link has a short queue, as modems had.
SHAPES = ((100e3, 1_600, 30_000), (1e6, 16_000, 60_000), (10e6, 32_000, 120_000), (100e6, 128_000, 500_000),
          (1e9, 256_000, 1_000_000))


def shaped_lab():
    """a - r - b; r routes, and shapes towards b. Nothing delays, and nothing is shaped where a tool runs."""
    lab = Lab(["a", "r", "b"], [("a", "a0", NEAR + "/24", "r", "left", "10.77.1.254/24"),
                                ("b", "b0", FAR + "/24", "r", "right", "10.77.2.254/24")])
    lab.run("r", ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
    lab.ip("-n", lab.prefix + "a", "route", "add", "default", "via", "10.77.1.254")
    lab.ip("-n", lab.prefix + "b", "route", "add", "default", "via", "10.77.2.254")
    return lab


def shape(lab, rate, bucket, queue):
    lab.run("r", ["tc", "qdisc", "replace", "dev", "right", "root", "tbf", "rate", f"{rate:.0f}bit", "burst", bucket,
                  "limit", queue])


def sonde(lab):
    """(reported bit/s, its own further words)"""
    text = lab.run("a", [BIN / "sonde-bench", "transfer", "--left", lab.prefix + "a", "--right", lab.prefix + "b", "--from",
                         NEAR, "--to", FAR])
    words = text.split()
    figures = dict(zip(words[::2], words[1::2]))
    return float(figures["steady"]), f"total {float(figures['total']):.4g}, ended by {figures['ended_by']}"


def iperf3(lab):
    server = lab.start("b", [program("iperf3"), "-s", "-1"])
    time.sleep(0.3)
    end = json.loads(lab.run("a", [program("iperf3"), "-c", FAR, "-t", "5", "-J"], timeout=300))["end"]
    lab.stop(server)
    return end["sum_received"]["bits_per_second"], f"sender's line {end['sum_sent']['bits_per_second']:.4g}"


def nuttcp(lab):
    server = lab.start("b", [program("nuttcp"), "-S", "--nofork"])
    time.sleep(0.3)
    text = lab.run("a", [program("nuttcp"), "-T5", "-fparse", FAR], timeout=300)
    lab.stop(server)
    return float(re.search(r"rate_Mbps=([\d.]+)", text).group(1)) * 1e6, ""


TOOLS = {"Sonde": sonde, "iperf3": iperf3, "nuttcp": nuttcp}


def octets(lab):
    return int(lab.run("r", ["cat", "/sys/class/net/right/statistics/tx_bytes"]))


def until_idle(lab, quiet):
    """Seconds from now until the last octet went out, known after `quiet` without one."""
    noise = 200  # a lone ARP
    began = last = time.monotonic()
    seen = octets(lab)
    while time.monotonic() - last < quiet:
        time.sleep(0.02)
        now = octets(lab)
        if now > seen + noise:
            seen, last = now, time.monotonic()
    return last - began


class Run:
    def __init__(self, lab, tool, rate, queue):
        until_idle(lab, 0.3)
        before, began = octets(lab), time.monotonic()
        self.reported, self.note = TOOLS[tool](lab)
        self.seconds = time.monotonic() - began
        self.idle_after = until_idle(lab, queue * 8 / rate + 1)
        self.octets = octets(lab) - before
        self.share = self.reported / (rate * SEGMENT)


def judge(report, runs):
    def worst(figure, chosen):
        figures = [figure(rate, queue) for rate, _, queue in SHAPES if chosen(rate)]
        return None if None in figures else max(figures)

    def of_iperf3(field):
        return lambda rate, _: ratio(median(getattr(run, field) for run in runs["Sonde", rate]),
                                     median(getattr(run, field) for run in runs["iperf3", rate]))

    def error(rate, _):
        return abs(median(run.share for run in runs["Sonde", rate]) - 1) * 100

    def idle(rate, queue):
        return median(run.idle_after for run in runs["Sonde", rate]) - queue * 8 / rate

    report.goal("G7 steady throughput, worst error from 1 Mbit/s on", worst(error, lambda rate: rate >= 1e6), 1, " %")
    report.goal("G7 steady throughput, worst error below 1 Mbit/s", worst(error, lambda rate: rate < 1e6), 2, " %")
    if ("iperf3", SHAPES[0][0]) in runs:
        report.goal("G7 octets of iperf3 -t 5's, from 37 Mbit/s on", worst(of_iperf3("octets"), lambda rate: rate >= 37e6), 0.2)
        report.goal("G7 time of iperf3 -t 5's, up to 5 Mbit/s", worst(of_iperf3("seconds"), lambda rate: rate <= 5e6), 1 / 3)
    else:
        report.skipped("G7 octets and time", "iperf3 is not here")
    report.goal("G7 link idle after the run, beyond one queue", worst(idle, lambda rate: True), 0.5, " s")


def run(report, full):
    tools = [tool for tool in TOOLS if tool == "Sonde" or program(tool)]
    rounds = 3 if full else 1
    runs, rows = {}, []
    with shaped_lab() as lab:
        for rate, bucket, queue in SHAPES:
            shape(lab, rate, bucket, queue)
            for _ in range(rounds):
                for tool in tools:
                    runs.setdefault((tool, rate), []).append(Run(lab, tool, rate, queue))
            for tool in tools:
                mine = runs[tool, rate]
                rows.append([f"{rate / 1e6:g} Mbit/s", f"{bucket / 1000:g} kB", tool, f"{median(r.share for r in mine):.4f}",
                             f"{median(r.seconds for r in mine):.1f}", f"{median(r.octets for r in mine) / 1e6:,.3f}",
                             f"{median(r.idle_after for r in mine):.2f}", mine[-1].note])
    report.table(f"Throughput: reported / true payload rate (medians of {rounds} rounds)",
                 ["rate", "bucket", "tool", "reported / true", "seconds", "MB on the link", "busy after it, s", ""], rows)
    judge(report, runs)
