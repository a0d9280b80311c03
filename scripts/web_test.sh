#!/usr/bin/env bash
# Tests of the page of `coretap serve` (web/): scripts/web_test.sh BUILD WHICH [argument]...
#
#   BUILD   the folder in which scripts/build_page.sh built it: its packages are used
#   WHICH   unit: pure code; real: in Chromium with a real coretap (CORETAP, CORETAP_SIM: those of the build); mock: in Chromium
#           against the mock; tsx: no test, but a script of web/, with its arguments
#
# Exit status 77, and why, where node, the packages or Chromium are missing; 1 with CORETAP_REQUIRE_PAGE=1.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "$1" 2>/dev/null && pwd || echo "$1")
which=$2
shift 2

cannot() {
    if [[ ${CORETAP_REQUIRE_PAGE:-} == 1 ]]; then
        echo "FAILED: CORETAP_REQUIRE_PAGE=1, and $1" >&2
        exit 1
    fi
    echo "SKIPPED: $1" >&2
    exit 77
}
command -v node >/dev/null || cannot "there is no node"
packages=$build/npm/node_modules
cmp -s "$root/web/package-lock.json" "$packages/.installed-lock" || cannot "the page's packages are not in $packages (npm ci failed, or the page was not built)"
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium} CORETAP=${CORETAP:-$build/../bin/coretap} CORETAP_SIM=${CORETAP_SIM:-$build/../bin/coretap-sim}
[[ $which == unit || -x $CHROMIUM ]] || cannot "there is no $CHROMIUM"

# A copy, since the packages must lie beside what uses them; the source tree and the build (which may be another user's) are left alone.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$root/web" && tar -c --exclude=./node_modules --exclude=./dist .) | tar -x -C "$copy"
ln -s "$packages" "$copy/node_modules"
[[ $which != mock ]] || cp -r "$build/dist" "$copy/dist"
cd "$copy"
case $which in
unit) node_modules/.bin/vitest run "$@" ;;
real) node_modules/.bin/vitest run --config vitest.real.config.ts "$@" ;;
mock) node_modules/.bin/vitest run --config vitest.e2e.config.ts "$@" ;;
tsx) node_modules/.bin/tsx "$@" ;;
*) echo "web_test: unit, real, mock or tsx, not '$which'" >&2 && exit 2 ;;
esac
