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

ROOT = pathlib.Path(__file__).resolve().parent.parent
TO_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def measure(options):
    command = [str(options.build / "bin" / "coretap-bench-state"), "--benchmark_format=json", f"--benchmark_min_time={options.seconds}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]}: exit {done.returncode}")
    return {result["name"]: result for result in json.loads(done.stdout)["benchmarks"]}


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
        observe = statistics.median(1e9 / one["observe"]["items_per_second"] for one in rounds)
        take = statistics.median(one["take"]["cpu_time"] * TO_NS[one["take"]["time_unit"]] for one in rounds) / 1e3
    except (OSError, RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"bench/state.py: {error}", file=sys.stderr)
        return 2
    rows = [{"name": "state/observe_ns", "value": float(f"{observe:.5g}"), "unit": "ns an event", "goal": "<= 1000"},
            {"name": "state/take_us", "value": float(f"{take:.5g}"), "unit": "us", "goal": "<= 1000"}]
    missed = 0
    for row in rows:
        met = row["value"] <= float(row["goal"].split()[1])
        missed += not met
        print(f"{row['name']:24}{row['value']:>12.1f}{row['goal']:>12}{'' if met else '  missed'}   {row['unit']}")
    output = options.output or options.build / "bench" / "state.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"written to {output}")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
