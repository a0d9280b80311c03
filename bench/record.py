#!/usr/bin/env python3
"""What recording costs beside a node, and how fast a recording is read: whole programs (bench/README.md).

Records the stand-in's mix of P2P messages with payloads, at several rates and flat out, then replays what it recorded. Prints one
table, writes build/bench/record.json. Needs what attaching needs: root, or CAP_BPF and CAP_PERFMON.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

from figures import Figures, warn_of_load

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name -> (arguments of the stand-in, goal for the share of a core, goal for the size)
WAYS = {
    "mainnet-1k": ("--scenario mainnet --rate 1000", "", ""),
    "firehose-10k": ("--scenario firehose --rate 10000", "<= 0.15", "<= 0.5"),
    "firehose-50k": ("--scenario firehose --rate 50000", "<= 0.15", "<= 0.5"),
    "mainnet-flat-out": ("--scenario mainnet --rate 0", "", ""),
    "firehose-flat-out": ("--scenario firehose", "", ""),
}
REPLAYED = "firehose-flat-out"


def run(command):
    """(seconds, CPU seconds, stderr) of a program; its output goes nowhere."""
    start, before = time.monotonic(), os.times()
    done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300)
    after = os.times()
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command}: exit {done.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - start, cpu, done.stderr


class Bench:
    def __init__(self, options):
        self.options = options
        self.coretap = options.build / "bin" / "coretap"
        self.folder = options.build / "bench"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runs = {}

    def path(self, way):
        return self.folder / f"record-{way}.ctap"

    def record(self, way):
        sim_args, _, _ = WAYS[way]
        path = self.path(way)
        _, _, err = run([self.coretap, "record", path, "--overwrite", "--stats", "0", "--sim", "--sim-args",
                         f"{sim_args} --duration {self.options.seconds}s"])
        # of coretap itself, as it says: the stand-in is its child
        share = float(re.search(r"coretap used ([\d.]+) % of a core", err).group(1)) / 100
        info = json.loads(subprocess.run([self.coretap, "info", "--json", path], capture_output=True, text=True, check=True).stdout)
        self.runs.setdefault(way, []).append({
            "share": share,
            "events_per_s": info["events"] / self.options.seconds,
            "lost": sum(count for reasons in info["lost"].values() for count in reasons.values()),
            "size": info["file_bytes"] / info["record_bytes"],
            "ns_per_event": share * self.options.seconds / max(info["events"], 1) * 1e9,
        })

    def replay(self, name, *args):
        path = self.path(REPLAYED)
        events = json.loads(subprocess.run([self.coretap, "info", "--json", path], capture_output=True, text=True, check=True).stdout)["events"]
        seconds, cpu, _ = run([self.coretap, "log", "--from", path, "--stats", "0", *args])
        self.runs.setdefault(name, []).append({"events_per_s": events / seconds, "events_per_cpu_s": events / cpu})

    def median(self, name, field):
        return statistics.median(result[field] for result in self.runs[name])


def figures_of(bench):
    figures = Figures()
    add = figures.add

    for way, (_, share_goal, size_goal) in WAYS.items():
        add(f"record/{way}/events_per_s", bench.median(way, "events_per_s"), "events/s")
        add(f"record/{way}/cpu", bench.median(way, "share"), "share of a core", share_goal)
        add(f"record/{way}/ns_per_event", bench.median(way, "ns_per_event"), "ns")
        add(f"record/{way}/lost", max(result["lost"] for result in bench.runs[way]), "events", "<= 0" if share_goal else "")
        add(f"record/{way}/size", bench.median(way, "size"), "of the records", size_goal)
    add("replay/json-full/events_per_s", bench.median("json-full", "events_per_s"), "events/s", ">= 300000")
    add("replay/text-short/events_per_s", bench.median("text-short", "events_per_s"), "events/s")
    add("replay/filtered/events_per_s", bench.median("filtered", "events_per_s"), "events/s", ">= 3000000")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each recording")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where the binaries are")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    options = parser.parse_args()
    warn_of_load()
    bench = Bench(options)
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for way in WAYS:
                bench.record(way)
            bench.replay("json-full", "--json", "--decode", "full")
            bench.replay("text-short", "--decode", "short")
            bench.replay("filtered", "--peer", "999999999")  # read, parsed, and passed over
        figures = figures_of(bench)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"bench/record.py: {error}", file=sys.stderr)
        return 2
    finally:
        for way in WAYS:
            bench.path(way).unlink(missing_ok=True)
    return figures.finish(bench.folder / "record.json", options.check)


if __name__ == "__main__":
    sys.exit(main())
