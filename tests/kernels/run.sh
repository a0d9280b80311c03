#!/usr/bin/env bash
# Boots another kernel under QEMU and traces there: tests/kernels/kernels_test.py, then those tests of tests/e2e that say
# most about a kernel. Exit status 0: all passed there. Minutes without KVM, so not part of `make test` (docs/kernels.md).
#
#   tests/kernels/run.sh [--build DIR] [--tests 'FILE...'] [--keep DIR] [--kvm] KERNEL
#
#   KERNEL       6.1, 6.12      the newest of Debian's kernels of that series that apt knows
#                a package name as linux-image-6.1.0-50-amd64
#                a file         a kernel image (bzImage, vmlinuz) or linux-image-*.deb
#   --build DIR  what to test: DIR/bin/coretap and coretap-sim (build/)
#   --tests ...  these tests only, files of tests/kernels and tests/e2e
#   --keep DIR   leave the initramfs and the console's log there
#   --kvm        not emulated; a /dev/kvm inside a virtual machine may hang, so it has to be asked for
#
# Needs apt, busybox-static, cpio, python3, qemu-system-x86; the packages are unpacked, never installed. The guest gets
# no network and no disk. CORETAP_KERNEL_CACHE: where packages are kept (~/.cache/coretap-kernels).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${CORETAP_KERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coretap-kernels}

build=$top/build keep='' kernel='' kvm=0
tests='kernels_test.py arguments_test.py user_tracepoints_test.py'
fail() { echo "kernels: $1" >&2; exit 2; }
while [[ $# -gt 0 ]]; do
    case $1 in
        --build) build=$2; shift 2 ;;
        --tests) tests=$2; shift 2 ;;
        --keep) keep=$2; shift 2 ;;
        --kvm) kvm=1; shift ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
        -*) fail "what is $1? --help tells" ;;
        *) kernel=$1; shift ;;
    esac
done
[[ -n $kernel ]] || fail "which kernel? --help tells"
for program in "$build/bin/coretap" "$build/bin/coretap-sim"; do
    [[ -x $program ]] || fail "there is no $program; make build first, or give --build"
done
for tool in qemu-system-x86_64 busybox cpio gzip; do
    command -v "$tool" >/dev/null || fail "$tool is not installed; apt-get install qemu-system-x86 busybox-static cpio gzip"
done
python=$(readlink -f /usr/bin/python3) # the system's: one binary and /usr/lib/python3.N, known to Debian
stdlib=/usr/lib/${python##*/}
[[ -d $stdlib ]] || fail "there is no $stdlib; apt-get install python3"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ -n $keep ]]; then
    mkdir -p "$keep"
    keep=$(cd "$keep" && pwd)
fi

# ---- the kernel --------------------------------------------------------------------------------------------------------
image='' deb=''
case $kernel in
    *.deb) deb=$kernel ;;
    */*) image=$kernel ;;
    *)
        package=$kernel
        if [[ $kernel != linux-image-* ]]; then # the highest version of the series, neither cloud nor real-time nor unsigned
            package=$(apt-cache pkgnames "linux-image-$kernel." | grep -E "^linux-image-${kernel//./\\.}\.[0-9]+([+-][^-]*)?(-[0-9]+)?-amd64\$" | sort -V | tail -n 1) || true
            [[ -n $package ]] || fail "apt knows no linux-image-$kernel.*-amd64: add a Debian suite that has it and apt-get update, or give a file"
        fi
        mkdir -p "$cache"
        deb=$(ls -v "$cache/${package}_"*.deb 2>/dev/null | tail -n 1) || true
        if [[ -z $deb ]]; then
            echo "kernels: downloading $package" >&2
            (cd "$cache" && apt-get download -qq "$package")
            deb=$(ls -v "$cache/${package}_"*.deb | tail -n 1)
        fi
        ;;
esac
if [[ -n $deb ]]; then
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work" --wildcards './boot/vmlinuz-*'
    image=$(ls "$work"/boot/vmlinuz-*)
fi
[[ -r $image ]] || fail "cannot read the kernel image $image"

# ---- the initramfs: busybox, python, coretap, the tests ----------------------------------------------------------------
root=$work/root
mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,run,root,usr/bin,usr/lib,usr/sbin,coretap/bin,coretap/tests}
chmod 1777 "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$python" "$root/usr/bin/python3"
mkdir -p "$root$stdlib"
tar -C "$stdlib" --exclude=__pycache__ --exclude=dist-packages --exclude=ensurepip --exclude=idlelib --exclude=lib2to3 --exclude=distutils \
    --exclude=tkinter --exclude='config-*' --exclude=pydoc_data --exclude=turtledemo -c . | tar -C "$root$stdlib" -x
for program in "$build"/bin/coretap "$build"/bin/coretap-sim*; do
    [[ -f $program && -x $program ]] && cp "$program" "$root/coretap/bin/"
done
cp "$top"/tests/e2e/*.py "$here"/*.py "$root/coretap/tests/"
ln -s /usr/lib "$root/lib"
ln -s /usr/lib64 "$root/lib64"
mkdir -p "$root/usr/lib64"
{
    ldd "$python" "$root"/coretap/bin/* "$root$stdlib"/lib-dynload/*.so 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*' | grep -v "^$work"
    # loaded by name: the C library's unwinder for pthread_exit, users by name
    ldconfig -p | grep -oE '/[^ ]+/(libgcc_s\.so\.1|libnss_files\.so\.2)$' || true
} | sort -u | while read -r library; do
    library=$(cd "$(dirname "$library")" && pwd -P)/$(basename "$library")
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
for name in coretap/bin/coretap coretap/bin/coretap-sim; do # symbols are dead weight in memory; the probes' notes stay
    strip --strip-debug "$root/$name" 2>/dev/null || true
done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
cp "$here/guest-init.sh" "$root/init"
chmod 755 "$root/init"
echo "$tests" >"$root/coretap/tests/LIST"
(cd "$root" && find . -print0 | cpio --null -o -H newc --quiet -R 0:0 | gzip -1) >"$work/initramfs.gz"

# ---- boot -----------------------------------------------------------------------------------------------------------------
accel=(-accel tcg,thread=multi -cpu max) slow=20
[[ $kvm -eq 1 ]] && accel=(-accel kvm -cpu host) slow=3
echo "kernels: booting $(basename "$image") ($(stat -c %s "$work/initramfs.gz" | awk '{printf "%.0f", $1 / 1048576}') MB of initramfs, ${accel[1]})" >&2
log=$work/console.log
status=0
timeout --foreground 3600 nice -n 10 qemu-system-x86_64 "${accel[@]}" -smp 2 -m 3072 -nodefaults -no-user-config -nographic -no-reboot -nic none \
    -serial stdio -kernel "$image" -initrd "$work/initramfs.gz" \
    -append "console=ttyS0 quiet panic=-1 oops=panic coretap_slow=${CORETAP_TEST_SLOW:-$slow}" </dev/null | stdbuf -oL tr -d '\r' | tee "$log" || status=$?
[[ -n $keep ]] && cp "$work/initramfs.gz" "$log" "$keep/"

if grep -q '^KERNELS: PASS' "$log"; then
    echo "kernels: $(sed -n 's/^KERNELS: release //p' "$log"): passed" >&2
    exit 0
fi
echo "kernels: ${kernel}: FAILED (status $status), see above" >&2
exit 1
