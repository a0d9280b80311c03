#!/usr/bin/env python3
"""Runs clang-tidy over our sources, in parallel, the most recently changed first.

Exit status: 0 nothing found, 1 something found, 2 it could not be run. With --seconds, files not reached in time are
counted and named as not checked: that is no failure.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("src/", "sim/")


def our_sources(build_dir):
    """Sources in the compilation database that are ours, relative to the root."""
    entries = json.loads((build_dir / "compile_commands.json").read_text())
    paths = {os.path.relpath(pathlib.Path(entry["directory"], entry["file"]), ROOT) for entry in entries}
    return sorted(path for path in paths if path.startswith(FOLDERS) and path.endswith(".cpp"))


def by_last_change(sources):
    """Uncommitted files first, then by the commit that touched them last; the rest in order of name."""
    commands = (["git", "status", "--porcelain=v1", "--untracked-files=all", "--no-renames"],
                ["git", "log", "--name-only", "--format=", "-n", "500"])
    rank = {}
    for command in commands if shutil.which("git") else ():
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        for line in answer.stdout.splitlines():
            rank.setdefault(line[3:] if command[1] == "status" else line, len(rank))
    return sorted(sources, key=lambda path: (rank.get(path, len(rank)), path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=float, help="start no further file after this long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*", help="only these (default: every source of src/ and sim/)")
    args = parser.parse_args()

    tidy = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if tidy is None or not (args.build_dir / "compile_commands.json").exists():
        print("tidy: clang-tidy or the build's compile_commands.json is missing; `make lint` sees to both", file=sys.stderr)
        return 2
    sources = our_sources(args.build_dir)
    if args.files:
        wanted = {os.path.relpath(name, ROOT) for name in args.files}
        sources = [path for path in sources if path in wanted]
    sources = by_last_change(sources)
    if not sources:
        print("tidy: no sources to check", file=sys.stderr)
        return 2

    headers = f"^{ROOT}/({'|'.join(FOLDERS)})"
    deadline = time.monotonic() + args.seconds if args.seconds else float("inf")

    def check(path):
        if time.monotonic() > deadline:
            return path, None
        return path, subprocess.run(
            [tidy, "-p", str(args.build_dir), "--quiet", f"--header-filter={headers}",
             "--extra-arg=-Wno-unknown-warning-option", str(ROOT / path)],
            capture_output=True, text=True, check=False)

    failed, skipped = 0, []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for path, done in pool.map(check, sources):
            if done is None:
                skipped.append(path)
            elif done.returncode != 0:
                failed += 1
                print(f"{done.stdout}{done.stderr}".strip(), flush=True)
    checked = len(sources) - len(skipped)
    print(f"tidy: {checked} of {len(sources)} files checked, {failed} with findings", file=sys.stderr)
    if skipped:
        print(f"tidy: not checked, the time was over: {' '.join(skipped)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
