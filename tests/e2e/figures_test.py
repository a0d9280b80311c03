#!/usr/bin/env python3
"""Figures that must not be far off. Loose on purpose: bench/ measures, this only notices a catastrophe."""
import json
import os
import time
import unittest

import harness
from harness import SLOW, Case, Sim, Tap


@unittest.skipUnless(SLOW == 1, "figures of a build with sanitizers say nothing")
class Figures(Case):
    def test_idle_cpu(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        Sim(self, binary, "--scenario", "idle")
        tap.wait_event(lambda event: event["event"].startswith("net:"))
        pids = tap.pid, tap.attacher()
        before, start = sum(map(harness.cpu_s, pids)), time.monotonic()
        time.sleep(3)
        used = (sum(map(harness.cpu_s, pids)) - before) / (time.monotonic() - start)
        self.assertLess(used, 0.02, "cores, when next to nothing happens")
        tap.stop()

    def test_latency_when_idle(self):
        binary = self.sim_copy()
        read_end, write_end = os.pipe()
        tap = Tap(self, "--only", "net", binary=binary, stdout=write_end)
        os.close(write_end)
        Sim(self, binary, "--scenario", "messages", "--rate", "5")
        latencies = []
        with os.fdopen(read_end) as lines:
            while len(latencies) < 8:
                event = json.loads(lines.readline())
                now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
                if event["event"].startswith("net:"):
                    latencies.append((now - event["mono_ns"]) / 1e6)
        self.assertLess(sorted(latencies)[len(latencies) // 2], 100, f"ms from the firing to the line: {latencies}")
        tap.send(2).wait()

    def test_memory_after_half_a_million_events(self):
        binary = self.sim_copy()
        with open(os.devnull, "wb") as null:
            tap = Tap(self, "--payload", "80", binary=binary, stdout=null)
        attacher = tap.attacher()
        sim = Sim(self, binary, "--scenario", "firehose", "--count", "500000").expect(0, 3 * harness.PATIENCE)
        # the ring itself is not counted
        memory = {"reader": harness.rss_kib(tap.pid), "attacher": harness.rss_kib(attacher)}
        self.assertLess(sum(memory.values()), 40 * 1024, f"KiB: {memory}")
        tap.stop()
        table = self.check_ledger(tap, sim.result()["fired"])
        self.assertEqual(sum(row["fired"] for row in table.values()), 500000)

    def test_attaching_and_detaching_is_quick(self):
        binary = self.sim_copy()
        Sim(self, binary, "--scenario", "idle")
        start = time.monotonic()
        result = self.run_coretap("log", "--binary", binary, "--check")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(time.monotonic() - start, 2)


if __name__ == "__main__":
    harness.main()
