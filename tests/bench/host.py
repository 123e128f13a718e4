"""Network namespaces and processes for a benchmark; everything made here is gone when the `with` ends."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SONDE_BIN", ROOT / "build" / "bin"))
PEERS = ROOT / "build" / "peers"  # programs taken out of their packages by `./dev bench`; nothing is installed
A, B = "10.77.0.1", "10.77.0.2"  # the two hosts


def program(name):
    """The path of a peer's program, or None where it is neither fetched nor installed."""
    for folder in (PEERS / "bin", PEERS / "usr" / "bin"):
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name)


def environment():
    libraries = [str(path) for path in (PEERS / "usr" / "lib").glob("*-linux-gnu")]
    return {**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": ":".join(libraries)}


def cpu_seconds(pid):
    """CPU time of a process with all its threads that still live, to the nanosecond."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def peak_megabytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Lab:
    """Namespaces named in `hosts`, joined by veth pairs of `wires`: (host, device, address or None, host, device, address)."""

    def __init__(self, hosts, wires):
        self.prefix = f"sonde-{os.getpid()}-"  # what a later run of the lab clears away, should this one be killed
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"sonde-lab-{os.getpid()}-"))
        self.running = []
        self.hosts = []
        try:
            for host in hosts:
                self.ip("netns", "add", self.prefix + host)
                self.hosts.append(host)
                self.ip("-n", self.prefix + host, "link", "set", "lo", "up")
                self.run(host, ["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"])
            for wire in wires:
                self.wire(*wire)
        except BaseException:
            self.close()
            raise

    def ip(self, *words):
        subprocess.run(["ip", *words], check=True)

    def wire(self, host, device, address, far_host, far_device, far_address):
        self.ip("-n", self.prefix + host, "link", "add", device, "type", "veth", "peer", "name", far_device,
                "netns", self.prefix + far_host)
        for where, name, own in ((host, device, address), (far_host, far_device, far_address)):
            if own:
                self.ip("-n", self.prefix + where, "addr", "add", own if "/" in own else own + "/16", "dev", name)
            self.ip("-n", self.prefix + where, "link", "set", name, "up")

    def introduce(self, host, device, address, far_host, far_device):
        """The far side's hardware address is known for good, so that no ARP comes between probes."""
        far = self.run(far_host, ["cat", f"/sys/class/net/{far_device}/address"]).strip()
        self.ip("-n", self.prefix + host, "neigh", "replace", address, "lladdr", far, "dev", device, "nud", "permanent")

    def start(self, host, words, **more):
        more.setdefault("stdout", subprocess.DEVNULL)
        more.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(["ip", "netns", "exec", self.prefix + host, *map(str, words)],
                                   env=environment(), text=True, **more)
        self.running.append(process)
        return process

    def ready(self, host, words):
        """A process that prints a line when it is ready."""
        process = self.start(host, words, stdout=subprocess.PIPE)
        if not process.stdout.readline():
            raise RuntimeError(f"{words[0]} {words[1]} did not start")
        return process

    def run(self, host, words, timeout=120):
        """Runs to the end and gives back what it printed."""
        done = subprocess.run(["ip", "netns", "exec", self.prefix + host, *map(str, words)], env=environment(),
                              text=True, timeout=timeout, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout:
            process.stdout.close()
        if process in self.running:
            self.running.remove(process)

    def close(self):
        for process in list(self.running):
            self.stop(process)
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", self.prefix + host], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Busy:
    """Every core in a busy loop, at normal priority."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.loops = []

    def __enter__(self):
        if self.wanted:
            self.loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count())]
            time.sleep(0.2)

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
            loop.wait()
