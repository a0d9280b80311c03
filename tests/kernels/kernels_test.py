#!/usr/bin/env python3
"""What another kernel could break: loading, the way of attaching, arguments, counting, letting go. run.sh starts it in a
virtual machine with that kernel; as root, it runs on this machine's as well."""
import json
import os
import re
import signal
import sys

try:
    import harness
except ImportError:  # in the source tree
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
    import harness
from harness import Case, Sim, Tap

RELEASE = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())
MULTI = RELEASE >= (6, 6)
LONG = 3 * harness.PATIENCE


class Kernels(Case):
    def attached(self, tap):
        """How it attached, and in how many milliseconds."""
        kind, ms = re.search(r"attached to \d+ tracepoints of .* \((.+), ([\d,]+) ms\)", tap.err()).groups()
        return kind, int(ms.replace(",", ""))

    def ended(self, tap, sim):
        table = self.check_ledger(tap, sim.result()["fired"])
        self.check_lost_events(tap)
        self.check_order(tap.events())
        return table, sum(row["lost"] for row in table.values())

    def test_doctor(self):
        done = self.run_coretap("doctor", "--json", patience=LONG)
        report = json.loads(done.stdout)
        for check in report["checks"]:
            print(f"    {check['group']:<11} {check['status']:<5} {check['what']}: {check['found']}")
        self.assertEqual((done.returncode, report["usable"]), (0, True))
        checks = {check["what"]: check for check in report["checks"]}
        self.assertEqual([what for what, check in checks.items() if check["status"] == "fail"], [])
        self.assertEqual(checks["trace coretap itself"]["status"], "ok")
        self.assertIn("uprobe_multi" if MULTI else "perf uprobes", checks["way of attaching"]["found"])
        self.assertIn("at once", checks["notice of new processes"]["found"])

    def test_attaches_as_this_kernel_can_and_lets_go(self):
        binary = self.sim_copy()
        sim = Sim(self, binary, "--scenario", "idle")
        alone = harness.read_semaphores(sim.node_pid, binary)  # 0, if nobody else traces every node of this machine
        tap = Tap(self, "--enable", harness.HOT, binary=binary)
        kind, ms = self.attached(tap)
        self.assertEqual(kind, "uprobe_multi" if MULTI else "perf uprobe")
        values = harness.read_semaphores(sim.node_pid, binary)
        self.assertEqual({name for name, value in values.items() if value == alone[name] + 1}, set(harness.TRACEPOINTS))
        before = harness.time.monotonic()
        tap.stop(patience=LONG)
        print(f"    attached by {kind} in {ms} ms, ended in {1000 * (harness.time.monotonic() - before):.0f} ms")
        self.assertEqual(harness.read_semaphores(sim.node_pid, binary), alone)
        self.assertEqual(harness.lasting_orphans(), set())

    def test_killed_it_lets_go_too(self):
        binary = self.sim_copy()
        sim = Sim(self, binary, "--scenario", "idle")
        alone = harness.read_semaphores(sim.node_pid, binary)
        tap = Tap(self, binary=binary)
        tap.send(signal.SIGKILL).wait()
        harness.wait_until(lambda: harness.read_semaphores(sim.node_pid, binary) == alone, "semaphores as before", LONG)
        self.assertEqual(harness.lasting_orphans(), set())
        sim.send(signal.SIGINT).expect(0)

    def test_firehose_of_two_threads(self):
        binary = self.sim_copy()
        tap = Tap(self, "--payload", "80", binary=binary)
        sim = Sim(self, binary, "--scenario", "firehose", "--count", "20000", "--threads", "2").expect(0, LONG)
        tap.stop(patience=LONG)
        table, lost = self.ended(tap, sim)
        self.assertEqual(sum(row["fired"] for row in table.values()), 20000)
        self.assertEqual(len(tap.probes(sim.node_pid)), 20000 - lost)
        self.assertEqual(lost, 0, "no recursion guard, no ring may swallow events at this rate")
        print(f"    {sim.result()['ns_per_fire']:.0f} ns a firing, 20,000 fired, {lost} lost")

    def test_tiny_ring_counts_what_it_loses(self):
        binary = self.sim_copy()
        tap = Tap(self, "--ring", "128KiB", "--payload", "all", binary=binary)
        tap.send(signal.SIGSTOP)
        sim = Sim(self, binary, "--scenario", "firehose", "--count", "5000", "--threads", "2").expect(0, LONG)
        tap.send(signal.SIGCONT)
        tap.stop(patience=LONG)
        table, lost = self.ended(tap, sim)
        self.assertEqual(sum(row["fired"] for row in table.values()), 5000)
        self.assertGreater(lost, 0)
        self.assertEqual(len(tap.probes(sim.node_pid)), 5000 - lost)

    def test_restarts_are_traced_from_the_first_event(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        for _ in range(3):
            sim = Sim(self, binary, "--scenario", "restart-hello").expect(0, LONG)
            fired = sum(sim.result()["fired"].values())
            self.assertEqual(sim.result()["fired"], sim.result()["calls"], "the semaphores were up before main()")
            self.assertGreater(fired, 0)
            harness.wait_until(lambda: len(tap.probes(sim.node_pid)) == fired, "every event of the restarted node", LONG)
        tap.stop(patience=LONG)
        self.assertEqual(sum(row["lost"] for row in self.check_ledger(tap).values()), 0)

    def test_counted_in_the_kernel(self):
        binary = self.sim_copy()
        tap = Tap(self, "--count-only", harness.HOT, binary=binary)
        sim = Sim(self, binary, "--scenario", "every").expect(0, LONG)
        tap.stop(patience=LONG)
        table, _ = self.ended(tap, sim)
        for name in harness.HOT.split(","):
            self.assertEqual((table[name]["withheld"], table[name]["delivered"]), (sim.result()["fired"][name], 0))

    def test_rings_of_all_sizes(self):
        for size in "128KiB", "1MiB", "8MiB", "64MiB":
            with self.subTest(size=size):
                binary = self.sim_copy(name=f"node-{size}")
                tap = Tap(self, "--ring", size, "--payload", "80", binary=binary)
                sim = Sim(self, binary, "--scenario", "messages", "--rate", "0", "--count", "200").expect(0, LONG)
                tap.stop(patience=LONG)
                _, lost = self.ended(tap, sim)
                self.assertEqual((len(tap.probes(sim.node_pid)), lost), (200, 0))

    def test_cost_is_measured(self):
        done = self.run_coretap("log", "--sim", "--sim-args", "--scenario messages", "--measure-cost", "--count", "50", patience=LONG)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    harness.main()
