#!/bin/busybox sh
# /init of the guest: mounts what a machine has, runs the tests of the list, says how it went, ends the machine.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/root LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs -o size=2g tmp /tmp
chmod 1777 /tmp
dmesg -n 4
ulimit -c 0
for word in $(cat /proc/cmdline); do
    case $word in coretap_slow=*) export CORETAP_TEST_SLOW=${word#*=} ;; esac
done
export CORETAP=/coretap/bin/coretap CORETAP_SIM=/coretap/bin/coretap-sim CORETAP_REQUIRE_BPF=1
cp -r /coretap/tests /tmp/tests # where files can be executed from, whatever the root is
cd /tmp/tests

echo
echo "KERNELS: release $(uname -r)"
echo "KERNELS: tracefs $([ -e /sys/kernel/tracing/uprobe_events ] && echo mounted || echo not mounted), unprivileged_bpf_disabled $(cat /proc/sys/kernel/unprivileged_bpf_disabled), perf_event_paranoid $(cat /proc/sys/kernel/perf_event_paranoid), bpf_jit_enable $(cat /proc/sys/net/core/bpf_jit_enable 2>/dev/null || echo '?')"
failed=
for name in $(cat LIST); do
    start=$(cut -d. -f1 /proc/uptime)
    echo "KERNELS: $name begins"
    if python3 "$name" 2>&1; then word=passed; else word=FAILED failed="$failed $name"; fi
    echo "KERNELS: $name $word, $(($(cut -d. -f1 /proc/uptime) - start)) s"
done
if dmesg | grep -E 'BUG:|WARNING:|Oops|general protection|rcu.*stall|soft lockup'; then failed="$failed kernel-log"; fi
[ -z "$failed" ] && echo "KERNELS: PASS" || echo "KERNELS: FAIL$failed"
sync
reboot -f
