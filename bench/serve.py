#!/usr/bin/env python3
"""What `coretap serve` costs beside a node at ten times a busy node's rate, with people looking (bench/README.md).

The stand-in has 125 peers and fires the mix of P2P messages 10,000 times a second. One WebSocket client follows as the page does, the
page's API is asked every second, /metrics every five. Prints one table, writes build/bench/serve.json. Needs what attaching needs.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import gzip
import http.client
import json
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time
import types

from figures import Figures, warn_of_load

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from harness import cpu_s, rss_kib  # noqa: E402
from serving import WebSocket  # noqa: E402

WARM_UP_S = 5
PAGE = ("history", "mempool", "blocks?limit=20")
# as the page's circle, its busiest view, asks
SUBSCRIPTION = {"filter": {"only": ["net:inbound_message", "net:outbound_message"]}, "decode": "off", "max_events_per_s": 2400, "snapshot": True}
METRICS_ASKED = 200


class Daemon:
    def __init__(self, options, sim_args):
        self.err_path = options.build / "bench" / "serve.err"
        self.err_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([options.build / "bin" / "coretap", "serve", "--listen", "127.0.0.1:0", "--sim", "--sim-args", sim_args],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        end = time.monotonic() + 20
        while not (match := re.search(r"the page is at http://([\d.]+):(\d+)/", self.err_path.read_text())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(self.err_path.read_text().strip() or "coretap serve said nothing")
            time.sleep(0.05)
        self.host, self.port = match.group(1), int(match.group(2))
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=10)

    def get(self, path):
        self.connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]}")
        return body

    def losses(self):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        connection.request("GET", "/api/v1/losses")
        tracepoints = json.loads(connection.getresponse().read())["tracepoints"]
        connection.close()
        return {key: sum(row[key] for row in tracepoints.values()) for key in ("fired", "payload_shed")} | {
            "lost": sum(sum(row["lost"].values()) for row in tracepoints.values())}

    def cpu_s(self):
        """Of coretap, its attacher included; the stand-in is its child too and is not meant."""
        pids = [self.process.pid]
        for child in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().startswith("coretap-attach"):
                pids.append(int(child))
        return sum(cpu_s(pid) for pid in pids)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Watcher(threading.Thread):
    """Takes what comes, as quickly as it can."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        no_case = types.SimpleNamespace(addCleanup=lambda *_: None)
        self.client = WebSocket(no_case, daemon)
        self.events = self.snapshots = self.dropped = 0
        self.client.subscribe(**SUBSCRIPTION)

    def run(self):
        try:
            while (message := self.client.receive()) is not None:
                if message["type"] == "events":
                    self.events += len(message["events"])
                    self.dropped += message["dropped"]
                self.snapshots += message["type"] == "snapshot"
        except OSError:
            pass


def measure(options):
    daemon = Daemon(options, f"--scenario firehose --rate {options.rate} --peers {options.peers}")
    try:
        watcher = Watcher(daemon)
        watcher.start()
        time.sleep(WARM_UP_S)
        start, cpu, before = time.monotonic(), daemon.cpu_s(), daemon.losses()
        seen = watcher.events
        for second in range(options.seconds):
            for path in PAGE:
                daemon.get(f"/api/v1/{path}")
            if second % 5 == 0:
                daemon.get("/metrics")
            time.sleep(max(0.0, start + second + 1 - time.monotonic()))
        elapsed, after = time.monotonic() - start, daemon.losses()
        result = {
            "cpu": (daemon.cpu_s() - cpu) / elapsed,
            "rss": rss_kib(daemon.process.pid) / 1024,
            "events_per_s": (after["fired"] - before["fired"]) / elapsed,
            "lost": after["lost"],
            "payload_shed": after["payload_shed"],
            "streamed_per_s": (watcher.events - seen) / elapsed,
            "dropped": watcher.dropped,
        }
        times = []
        for _ in range(METRICS_ASKED):
            asked = time.monotonic()
            body = daemon.get("/metrics")
            times.append((time.monotonic() - asked) * 1000)
            time.sleep(0.02)  # the limit is 50 requests a second
        result["metrics_ms"] = statistics.median(times)
        result["metrics_kib"] = len(gzip.decompress(body)) / 1024
        if watcher.snapshots < options.seconds // 2:
            raise RuntimeError(f"the WebSocket client got {watcher.snapshots} snapshots in {options.seconds} s")
        return result
    finally:
        daemon.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20, help="of each round, after a warm-up")
    parser.add_argument("--rate", type=int, default=10_000, help="events a second")
    parser.add_argument("--peers", type=int, default=125)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where the binaries are")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    options = parser.parse_args()
    warn_of_load()
    rounds = []
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            rounds.append(measure(options))
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError, http.client.HTTPException) as error:
        print(f"bench/serve.py: {error}", file=sys.stderr)
        return 2
    figures = Figures()
    middle = {key: statistics.median(result[key] for result in rounds) for key in rounds[0]}
    figures.add("serve/events_per_s", middle["events_per_s"], "events/s")
    figures.add("serve/cpu", middle["cpu"], "share of a core", "<= 0.05")
    figures.add("serve/rss", max(result["rss"] for result in rounds), "MiB, without the ring", "<= 64")
    figures.add("serve/lost", sum(result["lost"] for result in rounds), "events", "<= 0")
    figures.add("serve/payload_shed", sum(result["payload_shed"] for result in rounds), "events", "<= 0")
    figures.add("serve/streamed_per_s", middle["streamed_per_s"], "events/s to the client")
    figures.add("serve/dropped", sum(result["dropped"] for result in rounds), "events the client missed", "<= 0")
    figures.add("serve/metrics_ms", middle["metrics_ms"], "ms, the median answer", "<= 5")
    figures.add("serve/metrics_kib", middle["metrics_kib"], "KiB", "<= 300")
    return figures.finish(options.build / "bench" / "serve.json", options.check)


if __name__ == "__main__":
    sys.exit(main())
