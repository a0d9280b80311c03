#!/usr/bin/env python3
"""Makes the sources that embed files in the program (src/web/assets.h): a table in C++, the bytes by .incbin in assembler.

  embed_assets.py --out FOLDER PREFIX=FOLDER...

Every file below each folder that exists becomes an asset named PREFIX/path. Files are compressed beforehand, where that pays. Nothing
is written that has not changed, so this may run at every build.
"""
import argparse
import gzip
import hashlib
import pathlib
import re

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
# as Vite names files after their content
HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")


def write(path, data):
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("folders", nargs="+", metavar="PREFIX=FOLDER")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    files = {}
    for item in args.folders:
        prefix, folder = item.split("=", 1)
        root = pathlib.Path(folder)
        for path in root.rglob("*"):
            if path.is_file():
                files[f"{prefix}/{path.relative_to(root).as_posix()}"] = path

    declarations, rows, assembler = [], [], [".section .rodata"]
    for number, (name, path) in enumerate(sorted(files.items(), key=lambda item: item[0].encode())):
        if path.suffix not in TYPES:
            raise SystemExit(f"embed_assets: {path}: no content type is known for {path.suffix}; add it to this script")
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        bodies = {"raw": data} | ({"gz": packed} if len(packed) < len(data) else {})
        views = []
        for kind in ("raw", "gz"):
            if kind not in bodies:
                views.append("{}")
                continue
            file = args.out / f"asset_{number}.{kind}"
            write(file, bodies[kind])
            symbol = f"coretap_asset_{number}_{kind}"
            # the digest: assembler sees a change only if the text has one
            digest = hashlib.sha256(bodies[kind]).hexdigest()[:16]
            assembler += [f"# {digest}", f".global {symbol}", f"{symbol}:", f'.incbin "{file.name}"', ".byte 0"]
            declarations.append(f'extern "C" const char {symbol}[];')
            views.append(f"{{{symbol}, {len(bodies[kind])}}}")
        etag = hashlib.sha256(data).hexdigest()[:32]
        hashed = "true" if HASHED.search(path.name) else "false"
        rows.append(f'    {{"{name}", "{TYPES[path.suffix]}", "\\"{etag}\\"", {views[0]}, {views[1]}, {hashed}}},')
    assembler += ['.section .note.GNU-stack,"",%progbits', ""]

    table = "\n".join([
        "// Made by scripts/embed_assets.py.", '#include "web/assets.h"', "", "#include <array>", "", *declarations, "",
        "namespace coretap::web {", "", "std::span<const Asset> Assets()", "{",
        f"    static const std::array<Asset, {len(rows)}> ASSETS{{{{", *rows, "    }};", "    return ASSETS;", "}", "",
        "} // namespace coretap::web", ""])
    write(args.out / "assets_table.cpp", table.encode())
    write(args.out / "assets_bytes.S", "\n".join(assembler).encode())


if __name__ == "__main__":
    main()
