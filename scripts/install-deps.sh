#!/usr/bin/env bash
# Installs what is missing of Debian 12's packages, by group. Quick when nothing is missing: one dpkg-query.
#
#   scripts/install-deps.sh [GROUP]...     build test lint fuzz bench   (none named: build)
#
# As root, or through sudo. CORETAP_NO_INSTALL=1 skips it all, for machines where you look after packages yourself.
set -euo pipefail

# Build: compilers, the two binaries, the test and benchmark programs that are built beside them.
build=(
    make cmake ninja-build ccache pkg-config
    g++                    # user side
    clang                  # kernel side: clang -target bpf; the fuzz build
    linux-libc-dev         # <linux/types.h>, <linux/bpf.h>
    libc6-dev              # <asm/types.h>, behind -idirafter
    libbpf-dev libelf-dev
    systemtap-sdt-dev      # <sys/sdt.h>: the stand-in's probes
    libzstd-dev libxxhash-dev # recordings
    zlib1g-dev python3         # the web server: compressed answers, files embedded in the program
    libboost1.81-dev libfmt-dev libcli11-dev libtomlplusplus-dev libssl-dev
    libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
)
# Tests: what the scripts among them run. prometheus: promtool, and a server that scrapes. chromium: the page, as people see it.
test=(python3 libcap2-bin clang-format jq sqlite3 zstd prometheus chromium)
lint=(clang-tidy clang-format python3)
fuzz=(libclang-rt-14-dev)  # sanitizer and libFuzzer runtimes of clang 14
bench=(python3 chromium)

packages=()
for group in "${@:-build}"; do
    case $group in
    build | test | lint | fuzz | bench)
        declare -n list=$group
        packages+=("${list[@]}")
        ;;
    *)
        echo "install-deps: no group called '$group'; there are build, test, lint, fuzz and bench" >&2
        exit 2
        ;;
    esac
done

# The page of coretap serve is built and tested with npm and node, any that are there.
[[ " ${*:-build} " != *" build "* && " $* " != *" test "* ]] || command -v npm >/dev/null || packages+=(nodejs npm)

[[ ${CORETAP_NO_INSTALL:-} == 1 ]] && exit 0
if ! command -v dpkg-query >/dev/null; then
    echo "install-deps: this is not Debian, so nothing was installed. What Debian 12 calls" >&2
    echo "    ${packages[*]}" >&2
    echo "must be there; going on as if it were." >&2
    exit 0
fi

installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | sed -n 's/ installed$//p' || true)
mapfile -t missing < <(printf '%s\n' "${packages[@]}" | sort -u | grep -vxF -f <(printf '%s\n' "$installed") || true)
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: these packages are missing, and installing them takes root (there is no sudo here)." >&2
        echo "As root, run:" >&2
        echo "    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "Installing ${missing[*]}" >&2
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q)
"${apt[@]}" update >&2 || echo "install-deps: the package lists could not be refreshed; trying with those at hand" >&2
if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2; then
    echo "install-deps: apt-get could not install ${missing[*]} (see above). coretap is built and tested on Debian 12." >&2
    exit 1
fi
