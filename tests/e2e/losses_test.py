#!/usr/bin/env python3
"""Under overload every firing is accounted for, and what is delivered is true."""
import collections
import signal

import harness
from harness import Case, Sim, Tap, brief, expected_of

LONG = 1.5 * harness.PATIENCE


class Losses(Case):
    def check_delivered_are_true(self, tap, sim):
        """Every event is a firing of the log, in the order of its thread; a payload may be missing if it says so."""
        fired = collections.defaultdict(list)
        for line in sim.fired_log():
            fired[line["tid"]].append(line)
        at = collections.Counter()
        shed = collections.Counter()
        for event in tap.probes(sim.node_pid):
            tid, lines = event["tid"], fired[event["tid"]]
            without = {name: value for name, value in event["args"].items() if name != "payload"}
            while True:
                if at[tid] == len(lines):
                    self.fail(f"never fired, or out of order: {brief(event)}")
                line = lines[at[tid]]
                at[tid] += 1
                args, _ = expected_of(line)
                payload = args.pop("payload", "")
                if (line["event"], args) == (event["event"], without) and (event.get("shed") or event["args"].get("payload", "") == payload):
                    break
            if event.get("shed"):
                shed[event["event"]] += 1
                self.assertNotIn("payload", event["args"])
        return shed

    def account(self, tap, sim):
        table = self.check_ledger(tap, sim.result()["fired"])
        self.check_lost_events(tap)
        self.check_order(tap.events())
        delivered = collections.Counter(event["event"] for event in tap.probes())
        self.assertEqual(delivered, {name: row["delivered"] for name, row in table.items() if row["delivered"]})
        shed = collections.Counter(event["event"] for event in tap.probes() if event.get("shed"))
        self.assertEqual(shed, collections.Counter({name: row["without payload"] for name, row in table.items() if row["without payload"]}))
        return table, sum(row["lost"] for row in table.values())

    def test_tiny_ring_flat_out(self):
        for threads in 1, 2:
            with self.subTest(threads=threads):
                binary = self.sim_copy(name=f"node{threads}")
                tap = Tap(self, "--ring", "128KiB", "--payload", "all", binary=binary)
                sim = Sim(self, binary, "--scenario", "firehose", "--threads", str(threads), "--count", "100000").expect(0, LONG)
                tap.stop(patience=LONG)
                _, lost = self.account(tap, sim)
                self.assertGreater(lost, 0, "this test wants an overload")
                self.assertRegex(tap.err(), r"[1-9][\d,]* lost")

    def test_every_delivered_event_is_true(self):
        binary = self.sim_copy()
        tap = Tap(self, "--ring", "128KiB", "--payload", "all", binary=binary)
        sim = Sim(self, binary, "--scenario", "firehose", "--threads", "2", "--count", "20000", log=True, ready=True)
        # its reader sleeps now and then, or the simulator that writes a log would be too slow for an overload
        while sim.process.poll() is None:
            tap.send(signal.SIGSTOP)
            harness.time.sleep(0.1)
            tap.send(signal.SIGCONT)
            harness.time.sleep(0.05)
        sim.expect(0)
        tap.stop(patience=LONG)
        _, lost = self.account(tap, sim)
        self.assertGreater(lost, 0)
        self.check_delivered_are_true(tap, sim)

    def test_reader_stopped_for_a_while(self):
        binary = self.sim_copy()
        tap = Tap(self, "--payload", "80", "--ring", "1MiB", binary=binary)
        sim = Sim(self, binary, "--scenario", "messages", "--rate", "20000", "--duration", "2s")
        tap.wait_event(lambda event: event["event"].startswith("net:"))
        tap.send(signal.SIGSTOP)
        harness.time.sleep(1)
        tap.send(signal.SIGCONT)
        sim.expect(0, LONG)
        tap.stop()
        _, lost = self.account(tap, sim)
        self.assertGreater(lost, 1000)

    def test_pressure_takes_payloads_before_events(self):
        binary = self.sim_copy()
        tap = Tap(self, "--payload", "all", "--ring", "1MiB", binary=binary)
        sim = Sim(self, binary, "--scenario", "messages", "--rate", "5000", "--duration", "1500ms", log=True)
        tap.wait_event(lambda event: event["event"].startswith("net:"))
        tap.send(signal.SIGSTOP)
        harness.time.sleep(0.7)
        tap.send(signal.SIGCONT)
        sim.expect(0, LONG)
        tap.stop()
        self.account(tap, sim)
        self.assertGreater(sum(self.check_delivered_are_true(tap, sim).values()), 0)

    def test_a_block_empties_the_mempool(self):
        tap, sim = self.trace_run(("--scenario", "burst"))
        table, lost = self.account(tap, sim)
        self.assertEqual((table["mempool:removed"]["fired"], lost), (8000, 0))
        for event, line in zip(tap.probes(), sim.fired_log()):
            self.assertEqual(event["args"], line["args"])

    def test_burst_flat_out(self):
        tap, sim = self.trace_run(("--scenario", "burst", "--repeat", "3"), log=False)
        _, lost = self.account(tap, sim)
        self.assertEqual((len(tap.probes()), lost), (24000, 0))

    def test_initial_block_download(self):
        tap, sim = self.trace_run(("--scenario", "ibd", "--count", "100000"), ("--enable", harness.HOT), log=False)
        self.account(tap, sim)

    def test_a_message_larger_than_the_ring(self):
        tap, sim = self.trace_run(("--scenario", "every"), ("--ring", "128KiB", "--payload", "all", "--only", "net:inbound_message,net:outbound_message"))
        self.account(tap, sim)
        shed = self.check_delivered_are_true(tap, sim)
        table = tap.ledger()
        self.assertGreater(sum(shed.values()) + sum(row["lost"] for row in table.values()), 0)


if __name__ == "__main__":
    harness.main()
