"""G1 to G4: |what a tool reports - what a relay between the two hosts knows|, tool beside tool in interleaved rounds."""

import time

from host import A, B, BIN, Busy, Lab
from peers import LATENCY_TOOLS, Connect, Packet, Sonde
from report import median, percentile, ratio

HOLD_US = 400  # each way
FEWEST = 20  # samples in a round, or it says nothing
FILLER_OCTETS = 15_000  # of kernel memory, which doubles it: ten datagrams of 1,000 octets
SHAPED = "rate 8mbit burst 2kb limit 400kb"  # 1 ms for each of them


def relay_lab():
    """a - r - b: one subnet, and the relay carries every frame."""
    lab = Lab(["a", "r", "b"], [("a", "a0", A, "r", "left", None), ("b", "b0", B, "r", "right", None)])
    lab.introduce("a", "a0", B, "b", "b0")
    lab.introduce("b", "b0", A, "a", "a0")
    return lab


class Relay:
    """Holds packets while the `with` lasts; the log is there after it."""

    def __init__(self, lab):
        self.lab = lab
        self.log = lab.folder / "relay.log"
        self.packets = []

    def __enter__(self):
        self.process = self.lab.ready("r", [BIN / "sonde-bench", "relay", "--left", "left", "--right", "right", "--hold",
                                            HOLD_US, "--log", self.log])
        return self

    def __exit__(self, *_):
        self.lab.stop(self.process)
        self.packets = [Packet(line) for line in open(self.log, encoding="ascii")]


def truth(tool, packets):
    """{key: ns} that the relay held a request and its reply."""
    there, back = {}, {}
    for packet in packets:
        key = tool.key(packet)
        if key is not None and packet.left:
            (back if packet.back else there).setdefault(key, packet.hold)
    return {key: there[key] + back[key] for key in there if key in back}


def serve(lab, tools):
    for tool in tools:
        tool.serve(lab)
    time.sleep(0.5)


def measure(lab, tool, every_ms, seconds):
    """Errors in us of one run of one tool."""
    relay = Relay(lab)
    with relay:
        reported = tool.measure(lab, every_ms, seconds)
    known = truth(tool, relay.packets)
    reported = tool.align(reported, {tool.key(packet): packet.came for packet in relay.packets if not packet.back})
    errors = [abs(reported[key] - known[key]) / 1000 for key in reported if key in known]
    if len(errors) < min(FEWEST, seconds * 1000 / every_ms / 2):
        raise RuntimeError(f"{tool.name}: of {len(reported)} samples and {len(known)} packets only {len(errors)} match")
    return errors


def condition(tools, rounds, every_ms, seconds, busy):
    """{tool: (median of the rounds' p50, of their p99, samples)}; every round starts with another tool."""
    figures = {tool.name: [] for tool in tools}
    with relay_lab() as lab:
        serve(lab, tools)
        for number in range(rounds):
            with Busy(busy):
                for tool in tools[number % len(tools):] + tools[:number % len(tools)]:
                    figures[tool.name].append(measure(lab, tool, every_ms, seconds))
    return {name: (median(percentile(errors, 0.5) for errors in runs), median(percentile(errors, 0.99) for errors in runs),
                   sum(map(len, runs))) for name, runs in figures.items()}


def host_queue(seconds):
    """G4: 10 ms of other datagrams wait in the host's own queue. Errors as ratios: of rtt_host, and of host_queue."""
    tool = Sonde()
    with relay_lab() as lab:
        lab.ip("netns", "exec", lab.prefix + "a", "tc", "qdisc", "add", "dev", "a0", "root", "tbf", *SHAPED.split())
        serve(lab, [tool])
        filler = lab.start("a", [BIN / "sonde-bench", "fill", "--to", B, "--port", 9, "--count", FILLER_OCTETS])
        time.sleep(0.3)
        relay = Relay(lab)
        with relay:
            tool.measure(lab, 20, seconds)
        samples = tool.samples(lab)
        lab.stop(filler)
    came = {tool.key(packet): packet.came for packet in relay.packets if not packet.back}
    known = truth(tool, relay.packets)
    whole, queue, waited = [], [], []
    for sample in samples:
        if sample["sequence"] in known and sample["scheduled"]:
            # Userland's clock before the system call and the relay's kernel's: neither is what is judged.
            before = came[sample["sequence"]] - sample["user"]
            waited.append(before / 1e6)
            whole.append(abs(sample["rtt_host"] / (before + known[sample["sequence"]]) - 1))
            queue.append(abs(sample["host_queue"] / before - 1))
    return median(waited), median(whole), median(queue), len(whole)


def judge(report, idle, busy, slow):
    def against(name, figures, which, other, bar):
        if other not in figures:
            report.skipped(name, f"{other} is not here")
        else:
            report.goal(name, ratio(figures["Sonde"][which], figures[other][which]), bar)

    against("G1 median error, idle, of irtt's", idle, 0, "irtt", 0.1)
    against("G1 median error, idle, of ping's", idle, 0, "ping", 0.6)
    against("G2 p99 error, cores busy, of irtt's", busy, 1, "irtt", 0.05)
    against("G2 p99 error, cores busy, of ping's", busy, 1, "ping", 1)
    against("G3 median error, a probe each 50 ms, of irtt's", slow, 0, "irtt", 1 / 30)
    against("G3 median error, a probe each 50 ms, of ping's", slow, 0, "ping", 0.2)


def run(report, full):
    tools = [tool() for tool in LATENCY_TOOLS]
    for tool in tools:
        if not tool.available():
            report.skipped(f"beside {tool.name}", f"no program {tool.program}")
    tools = [tool for tool in tools if tool.available()]
    rounds, seconds = (9, 4) if full else (5, 1)
    idle = condition(tools, rounds, 5, seconds, busy=False)
    busy = condition(tools, rounds, 5, seconds, busy=True)
    slow = condition([tool for tool in tools if tool.name != "sockperf"], rounds, 50, 3 * seconds, busy=False)
    rows = []
    for name in idle:
        rows.append([name] + [f"{figures[name][0]:.1f} / {figures[name][1]:.0f}" if name in figures else "-"
                              for figures in (idle, busy, slow)])
    report.table(f"Error against a relay's known delay of 2 x {HOLD_US} us, in us, p50 / p99 (medians of {rounds} rounds)",
                 ["tool", "idle, each 5 ms", "both cores busy", "idle, each 50 ms"], rows)
    judge(report, idle, busy, slow)
    waited, whole, queue, count = host_queue(8 if full else 4)
    report.table("A queue in the host's own queueing discipline", ["waited there, ms", "error of rtt_host", "error of host_queue",
                                                                    "samples"],
                 [[f"{waited:.2f}", f"{whole:.3%}", f"{queue:.3%}", count]])
    report.goal("G4 error of the host-inclusive round trip, 10 ms queued", whole * 100, 2, " %")
    report.goal("G4 error of the host's own queue, reported apart", queue * 100, 2, " %")


def smoke():
    """A short run of what needs no foreign program: the harness works."""
    tools = (Sonde(), Connect())
    with relay_lab() as lab:
        serve(lab, tools)
        for tool in tools:
            errors = measure(lab, tool, 10, 0.3)
            print(f"{tool.name}: {len(errors)} samples, median error {percentile(errors, 0.5):.1f} us")
