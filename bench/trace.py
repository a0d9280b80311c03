#!/usr/bin/env python3
"""What tracing costs the traced thread: every way side by side, in alternating rounds (bench/README.md).

Runs build/bin/coretap-bench-trace once for each way in each round, prints one table, writes build/bench/trace.json. Needs
what attaching needs: root, or CAP_BPF and CAP_PERFMON. Only ratios travel from one machine to another.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

from figures import Figures, warn_of_load

ROOT = pathlib.Path(__file__).resolve().parent.parent

FLAT_OUT = 0
PACED = 10_000  # events a second: the reader sleeps in between, as it does beside a node
# The events of one run flat out take half a second: real-time priority is throttled where a second of it is full.
EVENTS = {"none": 3_000_000, "naive": 100_000, "bpftrace": 50_000}
EVENTS_OF_OURS = {"8": 700_000, "250": 600_000, "1000": 400_000, "mix": 600_000, "32000": 100_000, "100000": 40_000}
EVENTS_PACED = 20_000

WAYS = ["none", "floor", "floor-perf", "counted", "metadata", "payload", "naive", "bpftrace"]
LABELS = {
    "none": "not attached",
    "floor": "the floor: attached, empty program",
    "floor-perf": "the same through a perf uprobe",
    "counted": "coretap, counted in the kernel",
    "metadata": "coretap, delivered without payload",
    "payload": "coretap, delivered with payload",
    "naive": "the naive way, with payload",
    "bpftrace": "bpftrace, one line a message",
}


class Bench:
    def __init__(self, options):
        self.options = options
        self.binary = options.build / "bin" / "coretap-bench-trace"
        self.runs = {}  # (way, pattern, rate) -> one result a round

    def run(self, way, *words):
        command = [str(self.binary), way, "--fire-cpu", str(self.options.fire_cpu), "--reader-cpu", str(self.options.reader_cpu),
                   "--fifo", str(self.options.fifo), "--reader-fifo", str(self.options.reader_fifo), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"{' '.join(command)}: exit {done.returncode}")
        return json.loads(done.stdout)

    def measure(self, way, pattern, rate):
        events = EVENTS_PACED if rate else EVENTS.get(way, EVENTS_OF_OURS[pattern])
        result = self.run(way, "--rate", rate, pattern, events)
        self.runs.setdefault((way, pattern, rate), []).append(result)

    def has(self, way, pattern="mix", rate=FLAT_OUT):
        return (way, pattern, rate) in self.runs

    def values(self, way, pattern, rate, field="ns"):
        return [run[field] for run in self.runs[(way, pattern, rate)]]

    def median(self, way, pattern, rate, field="ns"):
        return statistics.median(self.values(way, pattern, rate, field))

    def ratio(self, over, under):
        """The median of the ratios within each round: what slows a whole round down cancels out."""
        pairs = zip(self.values(*over), self.values(*under))
        return statistics.median(a / b for a, b in pairs)


def max_rate(bench):
    """Events a second of the mix, whole payloads, with nothing lost or shed: flat out if that is so, else found by trying."""
    flat = bench.runs[("payload", "mix", FLAT_OUT)]
    if not any(run["lost"] or run["shed"] for run in flat):
        return 1e9 / bench.median("payload", "mix", FLAT_OUT)
    for rate in range(1_400_000, 0, -100_000):
        run = bench.run("payload", "--rate", rate, "mix", rate // 2)
        if run["lost"] == 0 and run["shed"] == 0 and run["ns"] < 1e9 / rate:
            return rate
    return 0


def figures_of(bench):
    ping, mix, paced = ("8", FLAT_OUT), ("mix", FLAT_OUT), ("mix", PACED)
    figures = Figures()
    add = figures.add

    def ratio(name, over, under, goal, where):
        add(name, bench.ratio((over, *where), (under, *where)), "ratio", goal)

    ratio("trace/ping-payload/floor", "payload", "floor", "<= 1.5", ping)
    ratio("trace/mix/floor", "payload", "floor", "<= 2.0", mix)
    ratio("trace/metadata/floor", "metadata", "floor", "<= 1.4", ping)
    ratio("trace/counted/floor", "counted", "floor", "<= 1.25", ping)
    ratio("trace/mix-10k/floor", "payload", "floor", "", paced)
    ratio("trace/naive/flat-out", "naive", "payload", ">= 5", mix)
    ratio("trace/naive/flat-out-ping", "naive", "payload", "", ping)
    ratio("trace/naive/10k", "naive", "payload", ">= 15", paced)
    if bench.has("bpftrace"):
        ratio("trace/bpftrace", "bpftrace", "payload", ">= 10", mix)
        ratio("trace/bpftrace-ping", "bpftrace", "payload", "", ping)

    flat = bench.runs[("payload", *mix)] + bench.runs[("payload", *ping)] + bench.runs[("metadata", *ping)]
    add("trace/max-rate-mix", max_rate(bench), "events/s", ">= 1100000")
    add("trace/lost", sum(run["lost"] + run["shed"] for run in flat), "events", "<= 0")
    add("trace/reader_cpu", bench.median("payload", *mix, "reader_cpu"), "share of a core", "<= 1")

    attach = [bench.run("attach", "--target", bench.options.attach_target) for _ in range(bench.options.rounds)]
    add("trace/attach_ms", statistics.median(run["load_ms"] + run["attach_ms"] for run in attach), "ms", "<= 100")
    add("trace/detach_ms", statistics.median(run["detach_ms"] for run in attach), "ms", "<= 200")
    add("trace/attach_sites", attach[0]["sites"], "probes")

    two = bench.run("payload", "--threads", 2, "mix", EVENTS_OF_OURS["mix"])
    add("trace/two-threads/lost", two["lost"] / two["fired"], "share")
    add("trace/two-threads/unaccounted", abs(two["fired"] - two["delivered"] - two["lost"]) + abs(two["fired"] - two["counted"]), "events", "<= 0")

    for way, pattern, rate in bench.runs:
        add(f"trace/ns/{way}/{'ping' if pattern == '8' else pattern}{'-10k' if rate else ''}", bench.median(way, pattern, rate), "ns")
    return figures


def show_ways(bench):
    columns = sorted({(rate, pattern) for _, pattern, rate in bench.runs}, key=lambda c: (c[0], c[1] == "mix", int(c[1]) if c[1] != "mix" else 0))
    heads = [("mix" if pattern == "mix" else f"{pattern} B") + (f" @{rate}/s" if rate else "") for rate, pattern in columns]
    print(f"\nNanoseconds per event in the traced thread, medians of {bench.options.rounds} rounds\n")
    print(f"{'':36}" + "".join(f"{head:>15}" for head in heads))
    for way in WAYS:
        cells = [f"{bench.median(way, pattern, rate):.0f}" if bench.has(way, pattern, rate) else "" for rate, pattern in columns]
        if any(cells):
            print(f"{LABELS[way]:36}" + "".join(f"{cell:>15}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where the binaries are")
    parser.add_argument("--full", action="store_true", help="payloads of 250, 1000, 32000 and 100000 bytes too")
    parser.add_argument("--fire-cpu", type=int, default=0)
    parser.add_argument("--reader-cpu", type=int, default=1)
    parser.add_argument("--fifo", type=int, default=50, help="real-time priority of the traced program, 0: none")
    parser.add_argument("--reader-fifo", type=int, default=49, help="real-time priority of the reader, 0: none")
    parser.add_argument("--attach-target", help="whose tracepoints are attached for attach_ms (default: coretap-sim)")
    parser.add_argument("--no-bpftrace", action="store_true", help="leave bpftrace out where it is installed")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    parser.add_argument("--output", type=pathlib.Path, help="default: bench/trace.json in the build folder")
    options = parser.parse_args()
    if options.attach_target is None:
        sim = options.build / "bin" / "coretap-sim"
        options.attach_target = sim if sim.exists() else options.build / "bin" / "fire"

    ways = [way for way in WAYS if way != "bpftrace" or (shutil.which("bpftrace") and not options.no_bpftrace)]
    if "bpftrace" not in ways:
        print("bpftrace is not installed, or left out: no comparison with it", file=sys.stderr)
    warn_of_load()
    plan = [(way, pattern, FLAT_OUT) for pattern in ["8", "mix"] for way in ways]
    plan += [(way, "mix", PACED) for way in ways if way not in ("floor-perf", "bpftrace")]
    if options.full:
        plan += [(way, pattern, FLAT_OUT) for pattern in ["250", "1000", "32000", "100000"] for way in ways]

    bench = Bench(options)
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for step in plan:
                bench.measure(*step)
        figures = figures_of(bench)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"bench/trace.py: {error}", file=sys.stderr)
        return 2
    show_ways(bench)
    return figures.finish(options.output or options.build / "bench" / "trace.json", options.check, hidden="trace/ns/")


if __name__ == "__main__":
    sys.exit(main())
