#!/usr/bin/env python3
"""How coretap ends, however it ends: the node goes on, nothing stays attached."""
import os
import signal
import subprocess
import time

import harness
from harness import SLOW, Case, Sim, Tap, wait_until

FIREHOSE = ("--scenario", "firehose", "--rate", "20000")


class Endings(Case):
    def traced(self):
        return ("net:inbound_message", "net:outbound_message", "mempool:added", "addrman:attempt_add")

    def raised(self, sim, binary):
        values = harness.read_semaphores(sim.node_pid, binary)
        return {name for name in self.traced() if values[name]}

    def check_let_go(self, sim, binary, seen=True):
        """The semaphores fall to zero and the node is well."""
        wait_until(lambda: not self.raised(sim, binary), lambda: f"semaphores are raised: {self.raised(sim, binary)}")
        self.assertTrue(harness.alive(sim.node_pid))
        fresh = Sim(self, binary, "--scenario", "restart-hello").expect(0).result()
        self.assertEqual(sum(fresh["fired"].values()), 0)
        self.assertGreater(sum(fresh["calls"].values()), 0)
        result = sim.send(signal.SIGINT).expect(0).result()
        self.assertGreater(sum(result["calls"].values()), sum(result["fired"].values()), "it went on when nobody looked")
        if seen:
            self.assertGreater(sum(result["fired"].values()), 0)

    def under_load(self, *tap_args, **more):
        binary = self.sim_copy()
        tap = Tap(self, *tap_args, binary=binary, **more)
        sim = Sim(self, binary, *FIREHOSE)
        if tap.out_path:
            tap.wait_event(lambda event: event["event"].startswith("net:"), 100)
        self.assertEqual(self.raised(sim, binary), set(self.traced()), "the test can see semaphores")
        return tap, sim, binary

    def test_signals_end_it_with_the_ledger(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            with self.subTest(number.name):
                tap, sim, binary = self.under_load(name=number.name)
                attacher = tap.attacher()
                tap.stop(number)
                self.assertRegex(tap.err(), r"coretap: [\d,]+ fired, [\d,]+ delivered.*, 0 lost; in ")
                self.assertIn("net:inbound_message", tap.ledger())
                self.check_ledger(tap)
                self.assertEqual(len(tap.probes()), sum(row["delivered"] for row in tap.ledger().values()))
                self.assertFalse(harness.alive(attacher))
                self.check_let_go(sim, binary)

    def test_killed_under_load(self):
        tap, sim, binary = self.under_load()
        attacher = tap.attacher()
        tap.send(signal.SIGKILL).expect(-signal.SIGKILL)
        wait_until(lambda: not harness.alive(attacher), "the attacher outlives coretap")
        self.check_let_go(sim, binary)
        self.assertEqual(harness.lasting_orphans(), set())

    def test_killed_with_perf_uprobes(self):
        tap, sim, binary = self.under_load("--perf-uprobes")
        attacher = tap.attacher()
        tap.send(signal.SIGKILL).expect(-signal.SIGKILL)
        wait_until(lambda: not harness.alive(attacher), "the attacher outlives coretap")
        self.check_let_go(sim, binary)

    def test_its_attacher_is_killed(self):
        tap, sim, binary = self.under_load()
        os.kill(tap.attacher(), signal.SIGKILL)
        tap.expect(1)
        self.assertRegex(tap.err(), "coretap: .*other process.*gone")
        self.check_let_go(sim, binary)

    def test_its_attacher_is_killed_and_quiet_still_says_so(self):
        tap, sim, _ = self.under_load("--quiet", attached=False)
        os.kill(tap.attacher(), signal.SIGKILL)
        tap.expect(1)
        self.assertRegex(tap.err(), "other process")

    def test_closed_pipe(self):
        binary = self.sim_copy()
        read_end, write_end = os.pipe()
        tap = Tap(self, binary=binary, stdout=write_end)
        os.close(write_end)
        head = subprocess.Popen(["head", "-n", "3"], stdin=read_end, stdout=subprocess.PIPE, text=True)
        os.close(read_end)
        sim = Sim(self, binary, *FIREHOSE)
        lines, _ = head.communicate(timeout=harness.PATIENCE)
        start = time.monotonic()
        tap.expect(0)
        if SLOW == 1:
            self.assertLess(time.monotonic() - start, 2)
        self.assertEqual(len(lines.splitlines()), 3)
        self.assertNotRegex(tap.err(), "(?i)broken pipe|cannot write")
        self.check_let_go(sim, binary)

    def test_a_pipe_nobody_reads(self):
        binary = self.sim_copy()
        read_end, write_end = os.pipe()
        tap = Tap(self, binary=binary, stdout=write_end)
        os.close(write_end)
        self.addCleanup(os.close, read_end)
        sim = Sim(self, binary, *FIREHOSE)
        # the pipe is full when another byte would block; then coretap sits in write()
        wait_until(lambda: "pipe_write" in harness.read_text(f"/proc/{tap.pid}/wchan") or "pipe_write" in harness.read_text(f"/proc/{tap.pid}/stack"), "coretap never blocks")
        tap.stop(status=1)
        self.assertIn("nobody took the output", tap.err())
        self.assertRegex(tap.err(), r"up to [\d,]+ events were read and are not in the output")
        self.check_let_go(sim, binary)

    def test_full_disk(self):
        binary = self.sim_copy()
        with open("/dev/full", "wb") as full:
            tap = Tap(self, binary=binary, stdout=full)
        sim = Sim(self, binary, *FIREHOSE)
        tap.expect(1)
        self.assertIn("coretap: cannot write the output: No space left on device", tap.err())
        self.check_let_go(sim, binary, seen=False)

    def test_output_is_closed(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary, prefix=("sh", "-c", 'exec "$@" >&-', "sh"))
        sim = Sim(self, binary, *FIREHOSE)
        tap.expect(1)
        self.assertIn("cannot write the output", tap.err())
        sim.kill()

    def test_check_attaches_and_detaches(self):
        binary = self.sim_copy()
        tap = Tap(self, "--check", binary=binary)
        tap.expect(0)
        self.assertRegex(tap.err(), r"attached to 20 tracepoints of " + binary)

    def test_a_hundred_times_leave_nothing(self):
        binary = self.sim_copy()
        sim = Sim(self, binary, "--scenario", "idle")
        for i in range(100 if SLOW == 1 else 10):
            kind = ("--perf-uprobes",) if i % 20 == 19 else ()
            result = self.run_coretap("log", "--binary", binary, "--check", "--ring", "1MiB", *kind)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(harness.lasting_orphans(), set())
        sim.send(signal.SIGINT).expect(0)

    def test_thirty_restarts_of_the_node_leak_nothing(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        attacher = tap.attacher()

        def restarts(count):
            for _ in range(count):
                sim = Sim(self, binary, "--scenario", "idle")
                tap.wait_event(lambda event: event["event"].startswith("net:") and event["pid"] == sim.node_pid)
                sim.send(signal.SIGTERM).expect(0)
                tap.wait_event(lambda event: event["event"] == "coretap:node_gone" and event["pid"] == sim.node_pid)

        restarts(5)
        fds = [harness.fds_of(pid) for pid in (tap.pid, attacher)]
        memory = [harness.rss_kib(pid) for pid in (tap.pid, attacher)]
        restarts(30)
        wait_until(lambda: [harness.fds_of(pid) for pid in (tap.pid, attacher)] == fds,
                   lambda: f"descriptors: {fds} before, {[harness.fds_of(pid) for pid in (tap.pid, attacher)]} after")
        if SLOW == 1:
            for name, before, after in zip(("reader", "attacher"), memory, [harness.rss_kib(pid) for pid in (tap.pid, attacher)]):
                self.assertLess(after - before, 1024, f"KiB of the {name}: {before} before, {after} after")
        tap.stop()

    def test_upgrades_leak_nothing(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        attacher = tap.attacher()
        fds = []
        for i in range(8):
            os.rename(self.sim_copy(name="new"), binary)
            tap.wait_err("attached to", i + 2)
            tap.wait_err("let go of", i + 1)
            fds.append(harness.fds_of(attacher))
        self.assertEqual(fds[1], fds[-1], fds)
        tap.stop()



class SlowReader(Case):
    def test_the_last_events_of_a_node_keep_their_peers_names(self):
        """Who reads our output is slow, and the node has ended long before its last events are taken from the ring."""
        binary = self.sim_copy()
        reading, writing = os.pipe()
        tap = Tap(self, "--duration", "60s", binary=binary, stdout=writing)
        os.close(writing)
        fired = harness.Sim(self, binary, "--scenario", "firehose", "--count", "60000").expect(0).result()["fired"]
        text = b""
        with open(reading, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 16):
                text += chunk
                time.sleep(0.006)  # some 10 MB/s: each batch of the ring takes longer than the node's memory was kept once
                if b'"coretap:node_gone"' in text[-2000:] and tap.process.poll() is None:
                    tap.send(signal.SIGINT)
        tap.expect(0)
        messages = [line for line in text.splitlines() if b"_message" in line[:200]]
        self.assertEqual(len(messages), fired["net:inbound_message"] + fired["net:outbound_message"])
        self.assertEqual([line for line in messages if b'"faults"' in line][:3], [])


if __name__ == "__main__":
    harness.main()
