#!/usr/bin/env python3
"""What the recorder costs by itself, how small recordings are, how fast they are read again (bench/README.md).

Runs build/bin/coretap-bench-archive in rounds, prints a table, writes build/bench/archive.json. Needs no privileges, and 1.2 GiB below
build/bench, which are given back.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

from figures import Figures, warn_of_load

ROOT = pathlib.Path(__file__).resolve().parent.parent

PACED = 50_000  # events a second: several times what a busy node sends and receives
RECORDS = {
    "whole payloads, paced": ["--rate", PACED, "--events", 5 * PACED],
    "whole payloads": ["--events", 1_000_000],
    "256 bytes of payload": ["--events", 1_000_000, "--payload", 256],
    "no payloads": ["--events", 2_000_000, "--payload", 0],
    "whole payloads, none twice": ["--events", 500_000, "--fresh"],
}


class Bench:
    def __init__(self, options):
        self.binary = options.build / "bin" / "coretap-bench-archive"
        self.folder = options.build / "bench"
        self.rounds = options.rounds
        self.runs = {}

    def run(self, what, path, *words):
        command = [str(self.binary), what, str(path), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"{' '.join(command)}: exit {done.returncode}")
        return json.loads(done.stdout)

    def keep(self, name, result):
        self.runs.setdefault(name, []).append(result)

    def median(self, name, field):
        return statistics.median(run[field] for run in self.runs[name])


def measure(bench):
    path = bench.folder / "bench.ctap"
    large = bench.folder / "large.ctap"
    try:
        for _ in range(bench.rounds):
            for name, words in RECORDS.items():
                bench.keep(name, bench.run("record", path, *words))
                if name == "whole payloads":
                    bench.keep("replay", bench.run("replay", path))
        # none twice: the blocks' number is then that of a recording of a real node
        bench.run("record", large, "--megabytes", 1024, "--fresh")
        for _ in range(bench.rounds):
            bench.keep("seek", bench.run("seek", large))
        os.truncate(large, large.stat().st_size - 5)
        for _ in range(bench.rounds):
            bench.keep("seek, no index", bench.run("seek", large))
    finally:
        for file in (path, large):
            file.unlink(missing_ok=True)


def figures_of(bench):
    figures = Figures()
    add = figures.add
    for name in RECORDS:
        slug = name.replace(",", "").replace(" ", "-")
        add(f"archive/{slug}/cost", bench.median(name, "cpu_ns_an_event"), "ns/event")
        add(f"archive/{slug}/size", bench.median(name, "bytes_an_event"), "bytes/event")
        add(f"archive/{slug}/ratio", bench.median(name, "ratio"), "of the records", "<= 0.5" if name == "whole payloads" else "")
    add("archive/paced/cpu", bench.median("whole payloads, paced", "core_share"), "share of a core", "<= 0.15")
    add("archive/paced/lost", max(run["lost"] for run in bench.runs["whole payloads, paced"]), "events", "<= 0")
    add("archive/record", bench.median("whole payloads", "record_mb_s"), "MB/s of CPU time")
    add("archive/replay", bench.median("replay", "events_s"), "events/s", ">= 3000000")
    add("archive/seek", bench.median("seek", "seek_ms"), "ms in 1 GiB", "<= 50")
    add("archive/seek-no-index", bench.median("seek, no index", "seek_ms"), "ms in 1 GiB", "<= 50")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder (default: build)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="fail if a goal is missed")
    options = parser.parse_args()
    warn_of_load()
    bench = Bench(options)
    bench.folder.mkdir(parents=True, exist_ok=True)
    try:
        measure(bench)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"archive.py: {error}", file=sys.stderr)
        return 2

    return figures_of(bench).finish(bench.folder / "archive.json", options.check)


if __name__ == "__main__":
    sys.exit(main())
