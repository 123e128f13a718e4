"""G5 and G6: what a probe costs, sender and reflector apart, and what an agent with many streams takes."""

import time

from host import A, B, BIN, Lab, cpu_seconds, peak_megabytes, program
from report import median, ratio

PORT = 8620
MANY = "10.78.0.0/16"  # every address of it is host b
FIRST = "10.78.0.1"
# Seconds until each stream of an agent runs (they begin spread over the policy's 10 s), and it has looked at the way of
# each link, which it does again after six hours: 49 of them take half a minute. 1,999 take a quarter of an hour.
AGENT_STARTS = {49: 60, 1999: 18}


def direct_lab():
    """a - b, without anything between; b is also every address of MANY."""
    lab = Lab(["a", "b"], [("a", "a0", A, "b", "b0", B)])
    lab.introduce("a", "a0", B, "b", "b0")
    lab.introduce("b", "b0", A, "a", "a0")
    lab.ip("-n", lab.prefix + "b", "route", "add", "local", MANY, "dev", "lo")
    lab.ip("-n", lab.prefix + "a", "route", "add", MANY, "via", B)
    return lab


def sonde(peers, rate):
    def start(lab):
        far = lab.ready("b", [BIN / "sonde-bench", "reflect", "--from", A, "--port", PORT])
        near = lab.start("a", [BIN / "sonde-bench", "send", "--from", A, "--to", FIRST, "--port", PORT, "--peers", peers,
                               "--rate", rate, "--every", 10_000_000, "--for", 600_000_000])
        return near, far
    return start


def agent(peers):
    """A whole agent: control, plan, spool. Its coordinator runs beside it, and the far sites are reflectors without agents."""
    def start(lab):
        keys = lab.folder / "keys" / "agents"
        keys.mkdir(parents=True, exist_ok=True)
        for name in ("coordinator", "here"):
            lab.run("a", ["sh", "-c", f"cd {keys.parent} && {BIN / 'sonde'} keygen {name}"])
        (keys.parent / "here.public").rename(keys / "here.public")
        sites = "".join(f"  - {{name: there-{n}, reflector: {{address: 10.78.{n // 250}.{n % 250 + 1}, port: {PORT}}}}}\n"
                        for n in range(peers))
        (lab.folder / "coordinator.yaml").write_text(
            "mesh: bench\ncontrol: tcp://127.0.0.1:7100\nhttp: 127.0.0.1:8080\nstore: sqlite://results.db\n"
            "keys: {secret: keys/coordinator.secret, agents: keys/agents/}\n"
            f"sites:\n  - {{name: here, address: {A}, port: 7101}}\n{sites}"
            "probes: {latency: {rate: 5/s, every: 10s, timeout: 2s}, connect: off, throughput: off}\n")
        (lab.folder / "agent.yaml").write_text(
            f"site: here\ncoordinator: {{endpoint: \"tcp://127.0.0.1:7100\", key: keys/coordinator.public}}\n"
            f"keys: {{secret: keys/here.secret}}\nlisten: {{address: {A}, port: 7101}}\nspool: {{path: spool.db}}\n")
        far = lab.ready("b", [BIN / "sonde-bench", "reflect", "--from", A, "--port", PORT])
        lab.start("a", [BIN / "sonde-coordinator", "--config", lab.folder / "coordinator.yaml"])
        return lab.start("a", [BIN / "sonde-agent", "--config", lab.folder / "agent.yaml"]), far
    return start


def irtt(every):
    def start(lab):
        far = lab.start("b", [program("irtt"), "server", "-i", "0", "-b", f"{B}:2112"])
        time.sleep(0.3)
        return lab.start("a", [program("irtt"), "client", "-i", every, "-d", "600s", "-Q", f"{B}:2112"]), far
    return start


def fping(period_ms):
    def start(lab):
        return lab.start("a", [program("fping"), "-i", period_ms, "-p", period_ms, "-l", "-Q", "600", B]), None
    return start


class Window:
    """CPU seconds and packets of a stretch in the middle of a run, so that start and end cost nothing."""

    def __init__(self, start, settle, seconds):
        with direct_lab() as lab:
            near, far = start(lab)
            time.sleep(settle)
            before = self.read(lab, near, far)
            time.sleep(seconds)
            after = self.read(lab, near, far)
            self.megabytes = peak_megabytes(near.pid)
        self.seconds = after[0] - before[0]
        self.probes = max(1, after[1] - before[1])
        self.replies = after[2] - before[2]
        self.sender = after[3] - before[3]
        self.reflector = after[4] - before[4]

    @staticmethod
    def read(lab, near, far):
        counters = lab.run("a", ["cat", "/sys/class/net/a0/statistics/tx_packets", "/sys/class/net/a0/statistics/rx_packets"])
        sent, came = map(int, counters.split())
        return time.monotonic(), sent, came, cpu_seconds(near.pid), cpu_seconds(far.pid) if far else 0.0

    def each(self, seconds):
        return seconds / self.probes * 1e6


def of_runs(windows, figure):
    return median([figure(window) for window in windows])


def row(name, windows):
    far = of_runs(windows, lambda w: w.each(w.reflector))
    return [name, f"{of_runs(windows, lambda w: w.probes / w.seconds):,.0f}",
            f"{of_runs(windows, lambda w: w.each(w.sender)):.1f}", f"{far:.1f}" if far else "in the kernel",
            f"{of_runs(windows, lambda w: w.sender / w.seconds):.2%}", f"{of_runs(windows, lambda w: w.reflector / w.seconds):.2%}",
            f"{of_runs(windows, lambda w: w.megabytes):.0f}",
            f"{1 - min(1.0, of_runs(windows, lambda w: w.replies / w.probes)):.2%}"]


def packet_path(report, seconds):
    """G5, over loopback: the fastest of three runs, because all that another process can do is slow it down."""
    runs = []
    with Lab(["a"], []) as lab:
        for _ in range(3):
            words = lab.run("a", [BIN / "sonde-bench", "packets", "--for", int(seconds * 1e6)]).split()
            runs.append({name: float(figure) for name, figure in zip(words[::2], words[1::2])})
    report.goal("G5 stamped probes/s of a core, reflector included", max(one["rate"] for one in runs), 200_000, least=True)
    report.goal("G5 of these lost, or without one of their stamps", sum(one["lost"] for one in runs), 0)


def run(report, full):
    packet_path(report, 5 if full else 2)
    rounds, seconds = (5, 8) if full else (3, 3)
    one, spread, irtt_name = "Sonde, 1 stream of 1,000/s", "Sonde, 200 streams of 5/s", "irtt -i 1ms"
    cases = {one: sonde(1, 1000), spread: sonde(200, 5)}
    for tool, name, start in (("irtt", irtt_name, irtt("1ms")), ("fping", "fping -i 1 -p 1", fping(1))):
        if program(tool):
            cases[name] = start
        else:
            report.skipped(f"cost beside {tool}", f"no program {tool}")
    windows = {name: [] for name in cases}
    for _ in range(rounds):
        for name, start in cases.items():
            windows[name].append(Window(start, 1.5, seconds))
    few, many = "an agent with 49 streams of 5/s", "an agent with 1,999 streams of 5/s"  # and itself: 2,000 sites
    for name, peers in ((few, 49), (many, 1999)):
        windows[name] = [Window(agent(peers), AGENT_STARTS[peers], 2 * seconds) for _ in range(3 if full else 1)]
    report.table(f"CPU for a probe, and of the whole (medians of {rounds} rounds of {seconds} s; agents: {len(windows[few])} of "
                 f"{2 * seconds} s)",
                 ["", "probes/s", "sender us", "reflector us", "sender, of a core", "reflector, of a core", "sender MB", "unanswered"],
                 [row(name, runs) for name, runs in windows.items()])

    def cost(name):
        return of_runs(windows[name], lambda w: w.each(w.sender + w.reflector))

    for name in (one, spread):
        if irtt_name in windows:
            report.goal(f"G6 CPU for a probe of {name[7:]}, of irtt's", ratio(cost(name), cost(irtt_name)), 1 / 3)
    for name, cores, megabytes in ((many, 25, 60), (few, 2, 25)):
        report.goal(f"G6 {name}: CPU, of a core", of_runs(windows[name], lambda w: w.sender / w.seconds * 100), cores, " %")
        report.goal(f"G6 {name}: memory", of_runs(windows[name], lambda w: w.megabytes), megabytes, " MB")
