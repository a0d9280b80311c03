#!/usr/bin/env python3
"""Events come in the order of firing, whatever thread fired them."""
import collections

import harness
from harness import Case, Sim, Tap, brief, expected_of


class Order(Case):
    def logged(self, threads, count):
        tap, sim = self.trace_run(("--scenario", "firehose", "--threads", str(threads), "--count", str(count)), ("--payload", "80"))
        table = self.check_ledger(tap, sim.result()["fired"])
        self.assertEqual(sum(row["lost"] for row in table.values()), 0, table)
        self.check_order(tap.events())
        fired, got = collections.defaultdict(list), collections.defaultdict(list)
        for line in sim.fired_log():
            fired[line["tid"]].append(line)
        for event in tap.probes(sim.node_pid):
            got[event["tid"]].append(event)
        self.assertEqual({tid: len(lines) for tid, lines in got.items()}, {tid: len(lines) for tid, lines in fired.items()})
        self.assertEqual(len(fired), threads)
        for tid, lines in fired.items():
            for i, (event, line) in enumerate(zip(got[tid], lines)):
                args, _ = expected_of(line, lambda kind: 80)
                if (event["event"], event["args"]) != (line["event"], args):
                    self.fail(f"thread {tid}, firing {i}: {brief(event)}, fired was {brief(line)}")
        return tap

    def flat_out(self, threads, *tap_args):
        binary = self.sim_copy()
        tap = Tap(self, *tap_args, binary=binary)
        sim = Sim(self, binary, "--scenario", "firehose", "--threads", str(threads), "--count", "150000").expect(0, 3 * harness.PATIENCE)
        tap.stop(patience=3 * harness.PATIENCE)
        events = tap.events()
        self.check_order(events)
        table = self.check_ledger(tap, sim.result()["fired"])
        self.assertEqual(len(tap.probes()), sum(row["delivered"] for row in table.values()))
        self.check_lost_events(tap)
        return tap, sim

    def test_two_threads_each_in_its_order(self):
        self.logged(2, 20000)

    def test_four_threads_each_in_its_order(self):
        self.logged(4, 20000)

    def test_one_thread_flat_out_loses_nothing(self):
        # a reader built with a sanitizer is slower than the thread; it gets a ring that takes it all
        tap, sim = self.flat_out(1, "--payload", "80", *(("--ring", "256MiB") if harness.SLOW > 1 else ()))
        self.assertEqual(sum(row["lost"] for row in tap.ledger().values()), 0, tap.ledger())
        self.assertEqual(len(tap.probes(sim.node_pid)), 150000)

    def test_two_threads_flat_out(self):
        self.flat_out(2, "--payload", "none")

    def test_four_threads_flat_out(self):
        self.flat_out(4, "--payload", "none")

    def test_the_mix_of_a_node(self):
        tap, sim = self.trace_run(("--scenario", "mainnet", "--rate", "0", "--count", "5000"), ("--enable", harness.HOT))
        events, log = tap.probes(sim.node_pid), sim.fired_log()
        self.assertEqual([event["event"] for event in events], [line["event"] for line in log])
        for event, line in zip(events, log):
            self.assertEqual(event["args"], expected_of(line, lambda kind: 0)[0], brief(event))
        self.check_order(tap.events())
        # nodes are introduced before their first event and bid farewell after their last
        names = [event["event"] for event in tap.events()]
        self.assertEqual(names[0], "coretap:node_found")


if __name__ == "__main__":
    harness.main()
