#!/usr/bin/env python3
"""Compares every #include of src/, sim/, bpf/ and abi/ with the table of what each folder may include.

Checked besides: only src/tracer sees libbpf, and the DEPENDS of each coretap_library() are those the sources use and the
table allows. With --self-test, proves on planted trees that each kind of violation is found.

Exit status: 0 all in order, 1 violations (one a line, file:line), 2 wrong usage.
"""
import argparse
import pathlib
import re
import sys
import tempfile

# Folder -> folders it may include, besides itself. A folder of src/ goes by its name there; `sinks/*` is one row for every
# sink that has none of its own, so that none may include another. New folders get a row here and in docs/architecture.md.
ALL = "all"
TABLE = {
    "abi": "",
    "bpf": "abi",
    "util": "",
    "wire": "util",
    "event": "util abi wire",
    "pipeline": "util event",
    "tracer": "util event pipeline abi",
    "archive": "util abi event pipeline",
    "poll": "util event pipeline",
    "state": "util abi event wire pipeline",
    "detect": "util event wire state pipeline",
    "sinks": "util event wire pipeline",
    "sinks/*": "util event wire pipeline",
    "sinks/metrics": "util event wire pipeline poll state",
    "tui": "util event wire state pipeline",
    "web": "util event wire state pipeline",
    "app": ALL,
    "cli": ALL,
    "sim": "event wire archive util",
}
NEVER_FOR_ALL = {"bpf", "sim"}  # app and cli may include everything of src/ and abi/, but these are other programs
NO_LIBRARY = {"abi", "bpf"}     # nothing to link: no DEPENDS to agree with
LIBBPF_USERS = {"tracer", "bpf"}
LIBBPF = re.compile(r"^(bpf/|libbpf)|\.skel\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LIBRARY = re.compile(r"\bcoretap_library\(\s*([^\s)]+)([^)]*)\)")
KEYWORDS = {"SOURCES", "DEPENDS", "LINKS"}


def folder_of(path):
    """The folder in the table's terms of a path relative to the root, or None if the table does not speak of it."""
    parts = path.parts[:-1]
    if parts[:1] == ("src",):
        parts = parts[1:]
        return "/".join(parts[:2] if parts[:1] == ("sinks",) else parts[:1]) or None
    return parts[0] if parts and parts[0] in ("abi", "bpf", "sim") else None


def row_of(folder):
    return folder if folder in TABLE or not folder.startswith("sinks/") else "sinks/*"


def may_include(folder, other):
    if folder == other:
        return True
    allowed = TABLE[row_of(folder)]
    if allowed == ALL:
        return other not in NEVER_FOR_ALL
    return other in allowed.split()


def resolve(root, source, name):
    """Where a quoted include leads, relative to the root; None if to no file of ours."""
    for base in (source.parent, root / "src", root):
        target = (base / name).resolve()
        if target.is_file() and target.is_relative_to(root):
            return target.relative_to(root)
    return None


def sources(root):
    for top in ("src", "sim", "bpf", "abi"):
        yield from sorted(path for path in (root / top).rglob("*") if path.suffix in (".h", ".c", ".cpp", ".hpp", ".cc"))


def check_sources(root, complaints):
    """Adds complaints; returns folder -> {folder it includes: where first}."""
    edges = {}
    for source in sources(root):
        where = source.relative_to(root)
        folder = folder_of(where)
        if folder is None or row_of(folder) not in TABLE:
            complaints.append(f"{where}:1: its folder has no row in the table (tests/include_table.py)")
            continue
        used = edges.setdefault(folder, {})
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, name = match[1] == '"', match[2]
            target = resolve(root, source, name)
            other = folder_of(target) if target else None
            if other is None:
                if LIBBPF.search(name):
                    if folder not in LIBBPF_USERS:
                        complaints.append(f"{where}:{number}: {name}: only src/tracer uses libbpf")
                elif quoted:
                    complaints.append(f"{where}:{number}: \"{name}\" is no file of ours; headers from outside are included with <>")
            elif not quoted:
                complaints.append(f"{where}:{number}: <{name}> is a file of ours; those are included with \"\"")
            elif not may_include(folder, other):
                complaints.append(f"{where}:{number}: {folder} may not include {other} (\"{name}\")")
            elif other != folder:
                used.setdefault(other, f"{where}:{number}")
    return edges


def check_libraries(root, edges, complaints):
    """DEPENDS of coretap_library(): allowed by the table, and neither more nor less than what is included."""
    for cmake in sorted((root / "src").rglob("CMakeLists.txt")):
        text = re.sub(r"#.*", "", cmake.read_text(encoding="utf-8"))
        where = cmake.relative_to(root)
        for name, rest in LIBRARY.findall(text):
            depends, keyword = set(), None
            for word in rest.split():
                if word in KEYWORDS:
                    keyword = word
                elif keyword == "DEPENDS":
                    depends.add(word)
            if row_of(name) not in TABLE:
                complaints.append(f"{where}:1: library {name} has no row in the table (tests/include_table.py)")
                continue
            for other in sorted(depends):
                if not may_include(name, other):
                    complaints.append(f"{where}:1: library {name} may not depend on {other}")
                elif other not in edges.get(name, {}):
                    complaints.append(f"{where}:1: library {name} depends on {other} but includes nothing of it")
            for other, first in sorted(edges.get(name, {}).items()):
                if other not in depends and other not in NO_LIBRARY:
                    complaints.append(f"{where}:1: library {name} includes {other} ({first}) but does not depend on it")


def check(root):
    complaints = []
    edges = check_sources(root, complaints)
    check_libraries(root, edges, complaints)
    return complaints


# What each planted tree adds to a good one, and what must be said of it (None: nothing).
GOOD = {
    "abi/abi.h": "#include <linux/types.h>\n",
    "bpf/p.bpf.c": '#include <bpf/bpf_helpers.h>\n#include "abi/abi.h"\n',
    "src/util/u.h": "#include <string>\n",
    "src/event/e.h": '#include "util/u.h"\n#include "abi/abi.h"\n',
    "src/event/CMakeLists.txt": "coretap_library(event SOURCES e.cpp DEPENDS util)\n",
    "src/tracer/t.cpp": '#include <bpf/libbpf.h>\n#include "event/e.h"\n#include "t.h"\n',
    "src/tracer/t.h": "",
    "src/tracer/CMakeLists.txt": "coretap_library(tracer SOURCES t.cpp\n  DEPENDS event LINKS PkgConfig::LIBBPF)\n",
    "src/sinks/log/l.h": '#include "event/e.h"\n',
    "src/sinks/json/j.h": '#include "event/e.h"\n',
    "src/app/a.cpp": '#include "tracer/t.h"\n#include "sinks/log/l.h"\n',
    "sim/s.cpp": '#include "event/e.h"\n',
}
PLANTED = [
    ({}, None),
    ({"src/event/x.cpp": '#include "tracer/t.h"\n'}, "event may not include tracer"),
    ({"src/event/x.cpp": '  #  include "../tracer/t.h"\n'}, "event may not include tracer"),
    ({"src/util/x.h": '#include "abi/abi.h"\n'}, "util may not include abi"),
    ({"abi/x.h": '#include "util/u.h"\n'}, "abi may not include util"),
    ({"bpf/x.bpf.c": '#include "util/u.h"\n'}, "bpf may not include util"),
    ({"sim/x.cpp": '#include "tracer/t.h"\n'}, "sim may not include tracer"),
    ({"src/cli/x.cpp": '#include "sim/s.h"\n', "sim/s.h": ""}, "cli may not include sim"),
    ({"src/sinks/log/x.cpp": '#include "sinks/json/j.h"\n'}, "sinks/log may not include sinks/json"),
    ({"src/app/x.cpp": "#include <bpf/libbpf.h>\n"}, "only src/tracer uses libbpf"),
    ({"src/app/x.cpp": '#include "coretap.skel.h"\n'}, "only src/tracer uses libbpf"),
    ({"src/app/x.cpp": "#include <util/u.h>\n"}, "is a file of ours"),
    ({"src/app/x.cpp": '#include "fmt/format.h"\n'}, "is no file of ours"),
    ({"src/misc/x.h": ""}, "has no row in the table"),
    ({"src/util/CMakeLists.txt": "coretap_library(util SOURCES u.cpp DEPENDS event)\n"}, "util may not depend on event"),
    ({"src/event/CMakeLists.txt": "coretap_library(event SOURCES e.cpp)\n"}, "event includes util (src/event/e.h:1) but"),
    ({"src/event/CMakeLists.txt": "coretap_library(event SOURCES e.cpp DEPENDS util wire)\n"}, "depends on wire but"),
]


def self_test():
    failures = 0
    for planted, expected in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            for name, text in {**GOOD, **planted}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            complaints = check(root)
        right = not complaints if expected is None else len(complaints) == 1 and expected in complaints[0]
        if not right:
            failures += 1
            print(f"include_table: planted {planted}, expected {expected!r}, got {complaints}")
    print(f"include_table: {len(PLANTED) - failures} of {len(PLANTED)} planted trees judged rightly")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true", help="check this script itself")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent, help="the tree to check")
    args = parser.parse_args()
    if args.self_test:
        return 1 if self_test() else 0

    complaints = check(args.root.resolve())
    for complaint in complaints:
        print(complaint)
    checked = sum(1 for _ in sources(args.root.resolve()))
    print(f"include_table: {checked} files checked, {len(complaints)} violations")
    return 1 if complaints or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
