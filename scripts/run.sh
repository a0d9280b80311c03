#!/usr/bin/env bash
# The main job: serve what the node of this host does, or the stand-in where there is none. The last line is the page's address.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command=(build/bin/coretap serve --sim-if-none "$@")
if [[ $(id -u) -eq 0 ]]; then
    exec "${command[@]}"
elif command -v sudo >/dev/null; then
    exec sudo -- env ${NO_COLOR:+NO_COLOR="$NO_COLOR"} "${command[@]}"
fi
cat >&2 <<'END'
run: tracing a process asks the kernel for CAP_BPF and CAP_PERFMON, so this must be started by root, and there is no sudo here.
As root, run:
    build/bin/coretap serve
What is needed and why: build/bin/coretap doctor
END
exit 3 # as coretap itself: not permitted
