"""The latency tools side by side: how each is run, what it reports, and which packets of the relay's log were its own."""

import json
import re
import statistics

from host import A, B, BIN, program

ICMP, TCP, UDP = 1, 6, 17
PORT = 8620


class Packet:
    """A line of the relay's log (tests/bench/relay.h). Times in ns."""

    def __init__(self, line):
        words = line.rstrip("\n").split(",")
        self.back, self.came, self.left, self.protocol, self.first, self.second, self.flags = map(int, words[:7])
        self.payload = bytes.fromhex(words[7])
        self.hold = self.left - self.came


class Tool:
    """`measure` gives {key: reported round trip in ns}; `key` finds the same key in a packet, or None: not a probe of it."""

    name = ""
    program = ""

    def available(self):
        return program(self.program) is not None

    def serve(self, lab):
        """Starts the far side; nothing where the kernel answers."""

    def measure(self, lab, every_ms, seconds):
        raise NotImplementedError

    def key(self, packet):
        raise NotImplementedError

    def align(self, reported, came):
        """`reported` by the keys of the packets, where the tool counts otherwise; `came`: {key: ns}, requests at the relay."""
        return reported


class Sonde(Tool):
    name = "Sonde"

    def available(self):
        return True

    def serve(self, lab):
        lab.ready("b", [BIN / "sonde-bench", "reflect", "--from", A, "--port", PORT])

    def command(self, lab, every_ms, seconds):
        return [BIN / "sonde-bench", "send", "--from", A, "--to", B, "--port", PORT, "--rate", 1000 / every_ms,
                "--for", int(seconds * 1e6), "--every", 250_000, "--log", lab.folder / "samples"]

    def measure(self, lab, every_ms, seconds):
        lab.run("a", self.command(lab, every_ms, seconds))
        return {sample["sequence"]: sample["rtt"] for sample in self.samples(lab)}

    def samples(self, lab):
        names = ("sequence", "user", "scheduled", "sent", "received", "rtt", "rtt_host", "host_queue", "followed_up")
        return [dict(zip(names, map(int, line.split(",")))) for line in open(lab.folder / "samples", encoding="ascii")]

    def key(self, packet):
        at = 24 if packet.back else 0
        return int.from_bytes(packet.payload[at:at + 4], "big") if packet.protocol == UDP else None


class Ping(Tool):
    name = program = "ping"

    def measure(self, lab, every_ms, seconds):
        text = lab.run("a", [program("ping"), "-n", "-i", every_ms / 1000, "-c", int(seconds * 1000 / every_ms), B])
        return {int(n): float(ms) * 1e6 for n, ms in re.findall(r"icmp_seq=(\d+) .*time=([\d.]+) ms", text)}

    def key(self, packet):
        return packet.second if packet.protocol == ICMP and packet.first in (0, 8) else None


class Fping(Ping):
    name = program = "fping"

    def measure(self, lab, every_ms, seconds):
        text = lab.run("a", [program("fping"), "-i", every_ms, "-p", every_ms, "-c", int(seconds * 1000 / every_ms), B])
        return {int(n): float(ms) * 1e6 for n, ms in re.findall(r"\[(\d+)\], \d+ bytes, ([\d.]+) ms", text)}


class Irtt(Tool):
    name = program = "irtt"

    def serve(self, lab):
        lab.start("b", [program("irtt"), "server", "-i", "0", "-b", f"{B}:2112"])

    def measure(self, lab, every_ms, seconds):
        text = lab.run("a", [program("irtt"), "client", "-i", f"{every_ms}ms", "-d", f"{int(seconds * 1000)}ms", "-Q",
                             "-o", "-", f"{B}:2112"])
        trips = json.loads(text)["round_trips"]
        return {trip["seqno"]: trip["delay"]["rtt"] for trip in trips if trip["lost"] == "false"}

    def key(self, packet):
        handshake = 5  # flags: open and close
        if packet.protocol != UDP or len(packet.payload) < 16 or packet.payload[3] & handshake:
            return None
        return int.from_bytes(packet.payload[12:16], "little")


class Sockperf(Tool):
    name = program = "sockperf"

    def serve(self, lab):
        lab.start("b", [program("sockperf"), "server", "-i", B, "-p", "11111"])

    def measure(self, lab, every_ms, seconds):
        log = lab.folder / "sockperf.csv"
        lab.run("a", [program("sockperf"), "ping-pong", "-i", B, "-p", 11111, "--mps", int(1000 / every_ms), "-t",
                      max(1, round(seconds)), "--full-rtt", "--full-log", log])
        rows = re.findall(r"^(\d+), ([\d.]+), ([\d.]+)", log.read_text(), re.MULTILINE)
        self.sent = {int(n): float(left) * 1e9 for n, left, _ in rows}
        return {int(n): round((float(came) - float(left)) * 1e9) for n, left, came in rows}

    def align(self, reported, came):
        """Its log leaves out an unknown number of packets at the begin: at the right one, send times and arrivals agree best."""

        def disagreement(skipped):
            gaps = [came.get(n + skipped, 0) - left for n, left in self.sent.items()]
            middle = statistics.median(gaps)
            return statistics.median(abs(gap - middle) for gap in gaps)

        skipped = min(range(max(came) - max(self.sent) + 1), key=disagreement)
        return {n + skipped: rtt for n, rtt in reported.items()}

    def key(self, packet):
        return int.from_bytes(packet.payload[:8], "big") if packet.protocol == UDP else None


class Connect(Tool):
    """A blocking connect() between two looks at the clock, as most tools that time TCP do it."""

    name = "TCP connect"

    def available(self):
        return True

    def serve(self, lab):
        lab.start("b", [BIN / "sonde-bench", "accept", "--from", B, "--port", PORT])

    def measure(self, lab, every_ms, seconds):
        text = lab.run("a", [BIN / "sonde-bench", "connect", "--to", B, "--port", PORT, "--every", every_ms * 1000,
                             "--count", int(seconds * 1000 / every_ms)])
        self.ports = {}
        return dict(enumerate(map(int, text.split())))

    def key(self, packet):
        """The n-th connection is the n-th port that sent a SYN."""
        syn = 2
        if packet.protocol != TCP or not packet.flags & syn:
            return None
        port = packet.second if packet.back else packet.first
        return self.ports.setdefault(port, len(self.ports))


LATENCY_TOOLS = (Sonde, Ping, Fping, Irtt, Sockperf, Connect)
