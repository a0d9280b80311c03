#!/usr/bin/env bash
# Builds the page of `coretap serve` (web/) in a folder of the build: scripts/build_page.sh FOLDER [--required]
# What is to be embedded is FOLDER/dist then. The source tree is left alone.
#
# Without the packages (no network, and none at hand) the folder stays empty, coretap gets its plain page, and this says so;
# with --required it fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$1
required=${2:-}

mkdir -p "$out/npm"
cd "$out/npm"
find . -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
(cd "$root/web" && tar -c --exclude=./node_modules --exclude=./dist --exclude=./tests .) | tar -x
rm -rf "$out/dist" && mkdir "$out/dist"

log=$out/log
build() {
    if ! cmp -s package-lock.json node_modules/.installed-lock; then
        npm ci --no-audit --no-fund --ignore-scripts --prefer-offline || return 1
        cp package-lock.json node_modules/.installed-lock
    fi
    node_modules/.bin/vite build --outDir "$out/built" --emptyOutDir
}
if build >"$log" 2>&1; then
    rm -rf "$out/dist" && mv "$out/built" "$out/dist"
elif [[ $required == --required ]]; then
    cat "$log" >&2
    echo "build_page: the page could not be built" >&2
    exit 1
else
    tail -n 5 "$log" >&2
    echo "build_page: the page could not be built (see $log): coretap serve has its plain page in this build" >&2
fi
