#!/usr/bin/env bash
# Runs the tests of one CTest preset: release, debug, asan, tsan, realnode.
#
# The rings that trace a process (labels bpf, e2e, realnode) need root. Started by another user, they go through sudo
# where there is one; otherwise each of these tests says why it is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
shift || true

if [[ $preset == realnode ]]; then
    if [[ ! -x ${BITCOIND:-} || -d ${BITCOIND:-} ]]; then
        echo "test: BITCOIND must be the path of a bitcoind built with tracepoints: make test-realnode BITCOIND=/path/to/bitcoind" >&2
        exit 2
    fi
    BITCOIND=$(realpath "$BITCOIND")
    export BITCOIND
fi

ctest=(ctest --preset "$preset" "$@")
# The runtime of ThreadSanitizer in gcc 12 gives up on some kernels' address space randomisation.
if [[ $preset == tsan ]] && setarch --addr-no-randomize true 2>/dev/null; then
    ctest=(setarch --addr-no-randomize "${ctest[@]}")
fi

if [[ $(id -u) -eq 0 ]] || ! command -v sudo >/dev/null; then
    exec "${ctest[@]}"
fi
dir=build
[[ $preset == release || $preset == realnode ]] || dir=build-$preset
status=0
[[ $preset == realnode ]] || "${ctest[@]}" --label-regex '^unit$' || status=$?
echo "test: the other rings trace processes, which takes root: sudo" >&2
sudo --preserve-env=BITCOIND,CI,CORETAP_REQUIRE_BPF,CORETAP_REQUIRE_PROMTOOL,CORETAP_REQUIRE_PAGE -- "${ctest[@]}" --label-exclude '^unit$' || status=$?
sudo -- chown -R "$(id -u):$(id -g)" "$dir/Testing" # ctest's log, or our next run could not write it
exit "$status"
