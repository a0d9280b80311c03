#!/usr/bin/env bash
# Applies clang-format 14 to our C++ and C; with --check only says which files it would change.
#
#   scripts/format.sh [--check] [FILE]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=(-i)
if [[ ${1:-} == --check ]]; then
    mode=(--dry-run -Werror)
    shift
fi
clang_format=$(command -v clang-format-14 || command -v clang-format) || {
    echo "format: clang-format is not installed; scripts/install-deps.sh lint does that" >&2
    exit 1
}
version=$("$clang_format" --version)
if [[ $version != *'version 14.'* ]]; then
    echo "format: the style is pinned to clang-format 14, this is: $version; nothing was done" >&2
    exit 1
fi

files=("$@")
if [[ ${#files[@]} -eq 0 ]]; then
    mapfile -t files < <(find abi bpf src sim tests bench fuzz -name '*.h' -o -name '*.c' -o -name '*.cpp' | sort)
fi
[[ ${#files[@]} -eq 0 ]] && exit 0
if ! "$clang_format" --style=file "${mode[@]}" "${files[@]}"; then
    echo "format: see above; 'make format' mends it" >&2
    exit 1
fi
