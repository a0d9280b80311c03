#!/usr/bin/env bash
# Runs each fuzz target for FUZZ_SECONDS over its corpus (fuzz/corpus/NAME, read) and what it finds by itself
# (build-fuzz/corpus/NAME, kept between runs). A target that fails leaves its input in build-fuzz/.
#
#   scripts/fuzz.sh [NAME]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${FUZZ_SECONDS:-30}

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
    mapfile -t names < <(find build-fuzz/fuzz -maxdepth 1 -type f -executable -printf '%f\n' 2>/dev/null | sort)
fi
if [[ ${#names[@]} -eq 0 ]]; then
    echo "fuzz: no target was built into build-fuzz/fuzz" >&2
    exit 1
fi

fuzz_one() {
    local name=$1 log=build-fuzz/$1.log
    mkdir -p "build-fuzz/corpus/$name"
    local corpora=("build-fuzz/corpus/$name")
    [[ -d fuzz/corpus/$name ]] && corpora+=("fuzz/corpus/$name")
    echo "fuzz: $name, $seconds s" >&2
    if ! ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 "build-fuzz/fuzz/$name" \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -artifact_prefix="build-fuzz/$name-" "${corpora[@]}" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "fuzz: $name failed (whole log: $log); the input that does it is the last file named build-fuzz/$name-*" >&2
        return 1
    fi
    echo "fuzz: $name: $(grep '^Done' "$log" || echo 'ended early')" >&2
}
export -f fuzz_one
export seconds
printf '%s\0' "${names[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'fuzz_one "$1"' fuzz {}
echo "fuzz: ${#names[@]} targets, $seconds s each, nothing found" >&2
