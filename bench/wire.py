#!/usr/bin/env python3
"""How fast P2P payloads are decoded: Google Benchmark figures, beside Bitcoin Core's own where it is at hand (bench/README.md).

Runs build/bin/coretap-bench-wire, and Bitcoin Core's bench_bitcoin if the environment variable BENCH_BITCOIN names one, in
alternating rounds; prints one table, writes build/bench/wire.json. Ratios are taken within a round, then the median.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from figures import Figures, warn_of_load

ROOT = pathlib.Path(__file__).resolve().parent.parent
TO_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **more)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]}: exit {done.returncode}")
    return done.stdout


def ours(options):
    """Name -> what Google Benchmark says of it."""
    command = [str(options.build / "bin" / "coretap-bench-wire"), "--benchmark_format=json", f"--benchmark_min_time={options.seconds}"]
    results = {}
    for result in json.loads(run(command))["benchmarks"]:
        if result.get("error_occurred"):
            print(f"left out: {result['name']}: {result['error_message']}", file=sys.stderr)
        else:
            results[result["name"]] = result
    return results


def cpu_ns(result):
    """What is shown: time in which neighbours ran does not count."""
    return result["cpu_time"] * TO_NS[result["time_unit"]]


def wall_ns(result):
    """What is compared: Bitcoin Core's benchmark measures this."""
    return result["real_time"] * TO_NS[result["time_unit"]]


def core(options):
    """Nanoseconds, by the clock on the wall, that Bitcoin Core takes for block 413567."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "core.json"
        run([options.bench_bitcoin, "-filter=DeserializeBlockTest", f"-min-time={int(options.seconds * 1000)}", f"-output-json={output}"], cwd=folder)
        results = json.loads(output.read_text())["results"]
    return results[0]["median(elapsed)"] * 1e9


def figures_of(rounds, core_rounds):
    figures = Figures()
    names = [name for name in rounds[0] if all(name in one for one in rounds)]

    def add(name, value, unit, goal=""):
        figures.add(f"wire/{name}", value, unit, goal)

    def median(name, what):
        return statistics.median(what(one[name]) for one in rounds)

    if "block413567/ids" in names:
        add("block413567/views_ms", median("block413567/views", cpu_ns) / 1e6, "ms")
        add("block413567/ids_ms", median("block413567/ids", cpu_ns) / 1e6, "ms")
        for what, goal in (("views", ">= 4"), ("ids", ">= 1.3")) if core_rounds else ():
            ratios = [core_ns / wall_ns(one[f"block413567/{what}"]) for one, core_ns in zip(rounds, core_rounds)]
            add(f"block413567/{what}_vs_core", statistics.median(ratios), "ratio", goal)
    if core_rounds:
        add("block413567/core_ms", statistics.median(core_rounds) / 1e6, "ms")
    add("mix/messages_per_s", median("mix/views", lambda one: one["items_per_second"]), "messages/s", ">= 5000000")
    add("mix/bytes_per_s", median("mix/views", lambda one: one["bytes_per_second"]), "bytes/s", ">= 1500000000")
    add("mix/walk_messages_per_s", median("mix/walk", lambda one: one["items_per_second"]), "messages/s")
    for name in names:
        if not name.startswith(("block", "mix")):
            add(name, median(name, cpu_ns), "ns")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="least time for each figure of a round")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where the binaries are")
    parser.add_argument("--bench-bitcoin", default=os.environ.get("BENCH_BITCOIN"), help="Bitcoin Core's bench_bitcoin (default: $BENCH_BITCOIN)")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    parser.add_argument("--output", type=pathlib.Path, help="default: bench/wire.json in the build folder")
    options = parser.parse_args()
    if not options.bench_bitcoin:
        print("BENCH_BITCOIN is not set: no comparison with Bitcoin Core", file=sys.stderr)
    warn_of_load()

    rounds, core_rounds = [], []
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            if options.bench_bitcoin:
                core_rounds.append(core(options))
            rounds.append(ours(options))
        figures = figures_of(rounds, core_rounds)
    except (OSError, RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"bench/wire.py: {error}", file=sys.stderr)
        return 2
    return figures.finish(options.output or options.build / "bench" / "wire.json", options.check)


if __name__ == "__main__":
    sys.exit(main())
