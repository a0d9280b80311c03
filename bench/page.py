#!/usr/bin/env python3
"""How quick, small and steady the page of `coretap serve` is, in Chromium that draws in software (bench/README.md).

The real coretap traces the stand-in, which fires 1,000 events a second of everything a node has; web/tests/real/bench.ts looks at the page
it embeds. Prints one table, writes build/bench/page.json. Needs what attaching needs, node, and Chromium.

Exit status: 0 measured, whether or not the goals are met (with --check: 1 if one is missed), 2 could not measure.
"""
import argparse
import json
import pathlib
import subprocess
import sys

from figures import Figures, warn_of_load

ROOT = pathlib.Path(__file__).resolve().parent.parent


def growth(samples):
    """MB of heap from the first quarter of the time, when everything was loaded once, to the last: of each the least sample."""
    quarter = max(1, len(samples) // 4)
    least = [min(sample["megabytes"] for sample in part) for part in (samples[:quarter], samples[-quarter:])]
    return least[1] - least[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="events a second (1000)")
    parser.add_argument("--peers", type=int, default=125, help="peers (125)")
    parser.add_argument("--seconds", type=int, default=5, help="for the frames of each view (5)")
    parser.add_argument("--minutes", type=float, default=10, help="for memory (10; an hour: 60)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    options = parser.parse_args()
    warn_of_load()

    run = subprocess.run(
        [ROOT / "scripts" / "web_test.sh", options.build / "web", "tsx", "tests/real/bench.ts", "--rate", str(options.rate), "--peers", str(options.peers),
         "--seconds", str(options.seconds), "--minutes", str(options.minutes)],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if run.returncode != 0:
        print("page: could not measure (see above)", file=sys.stderr)
        return 2
    result = json.loads(run.stdout)
    if result["complaints"]:
        print(f"page: the page complained: {result['complaints'][:5]}", file=sys.stderr)
        return 2

    figures = Figures()
    figures.add("page/first_content_ms", result["first_content_ms"], "ms", "<= 300")
    figures.add("page/first_data_ms", result["first_data_ms"], "ms")
    figures.add("page/size", result["bytes"] / 1024, "KiB, compressed", "<= 250")
    figures.add("page/events_per_s", result["events_per_s"], "1/s")
    for view, measured in result["views"].items():
        figures.add(f"page/frames/{view}", measured["perSecond"], f"1/s, 99 % within {measured['worst']:.0f} ms, thread {measured['busy']:.0%} busy", ">= 59")
    figures.add("page/shown/circle", result["views"]["circle"]["shownPerSecond"], "new frames/s that Chromium showed", ">= 59")
    if result["heap"]:
        figures.add("page/heap", result["heap"][-1]["megabytes"], "MB at the end")
        figures.add("page/heap_growth", growth(result["heap"]), f"MB in {result['heap'][-1]['minute']:.0f} min", "<= 1")
    figures.add("page/lost", result["lost"], "events", "<= 0")
    return figures.finish(options.build / "bench" / "page.json", options.check)


if __name__ == "__main__":
    sys.exit(main())
