#!/usr/bin/env python3
"""What keeping the state costs an event, and what a snapshot costs (bench/README.md).

Runs build/bin/coretap-bench-state in rounds; prints one table, writes build/bench/state.json. Figures are CPU time, the median of the
rounds.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from figures import Figures

ROOT = pathlib.Path(__file__).resolve().parent.parent
TO_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def measure(options):
    command = [str(options.build / "bin" / "coretap-bench-state"), "--benchmark_format=json", f"--benchmark_min_time={options.seconds}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]}: exit {done.returncode}")
    return {result["name"]: result for result in json.loads(done.stdout)["benchmarks"]}


def measure_month(build):
    """What the test of a month of churn found, in KiB: tests/unit/sinks/metrics/month_test.cpp."""
    with tempfile.TemporaryDirectory() as folder:
        said = pathlib.Path(folder) / "month.json"
        command = [str(build / "tests" / "metrics_unit_test"), "--gtest_filter=Month.*", f"--gtest_output=json:{said}"]
        subprocess.run(command, stdout=subprocess.DEVNULL, timeout=600, check=False)  # grown too much: the figures say so
        case = json.loads(said.read_text())["testsuites"][0]["testsuite"][0]
    return {name: int(case[f"{name}_bytes"]) / 1024 for name in ("metrics", "metrics_growth", "heap", "heap_growth")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="least time for each figure of a round")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where the binaries are")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    parser.add_argument("--output", type=pathlib.Path, help="default: bench/state.json in the build folder")
    options = parser.parse_args()

    try:
        rounds = [measure(options) for _ in range(options.rounds)]
        month = measure_month(options.build)
        observe = statistics.median(1e9 / one["observe"]["items_per_second"] for one in rounds)
        take = statistics.median(one["take"]["cpu_time"] * TO_NS[one["take"]["time_unit"]] for one in rounds) / 1e3
    except (OSError, RuntimeError, LookupError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"bench/state.py: {error}", file=sys.stderr)
        return 2
    figures = Figures()
    figures.add("state/observe_ns", observe, "ns an event", "<= 1000")
    figures.add("state/take_us", take, "us", "<= 1000")
    figures.add("state/month_metrics_kib", month["metrics"], "KiB of /metrics after a month of churn", "<= 300")
    figures.add("state/month_metrics_growth_kib", month["metrics_growth"], "KiB more than after six days", "<= 4")
    figures.add("state/month_heap_kib", month["heap"], "KiB of heap then", "<= 65536")
    figures.add("state/month_heap_growth_kib", month["heap_growth"], "KiB more than after six days", "<= 1024")
    return figures.finish(options.output or options.build / "bench" / "state.json", options.check)


if __name__ == "__main__":
    sys.exit(main())
