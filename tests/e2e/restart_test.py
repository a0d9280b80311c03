#!/usr/bin/env python3
"""Nodes come and go, several at once; coretap follows."""
import collections
import signal

import harness
from harness import Case, Sim, Tap, expected_of

HELLO = ("--scenario", "restart-hello")


class Restarts(Case):
    def check_complete(self, tap, sim):
        """Everything the simulator did, from its first firing."""
        log, events = sim.fired_log(), tap.probes(sim.node_pid)
        result = sim.result()
        traced = {name: calls for name, calls in result["calls"].items() if calls and name not in harness.HOT and name != "simnode:demo"}
        self.assertEqual({name: result["fired"][name] for name in traced}, traced, "every call fires: attached before it started")
        self.assertEqual([(event["event"], event["args"]) for event in events],
                         [(line["event"], expected_of(line, lambda kind: 0)[0]) for line in log if line["event"] in traced])
        self.assertGreater(len(events), 0)

    def test_second_start_is_seen_from_its_first_firing(self):
        for kind in (), ("--perf-uprobes",):
            with self.subTest(kind=kind):
                binary = self.sim_copy(name="node" + "".join(kind))
                tap = Tap(self, *kind, binary=binary)
                sims = []
                for _ in range(3):
                    sims.append(Sim(self, binary, *HELLO, log=True).expect(0))
                tap.stop()
                for sim in sims:
                    self.check_complete(tap, sim)
                self.check_order(tap.events())
                table = self.check_ledger(tap, sum((collections.Counter(sim.result()["fired"]) for sim in sims), collections.Counter()))
                self.assertEqual(sum(row["lost"] for row in table.values()), 0)

    def test_found_and_gone_in_order(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        pids = []
        for _ in range(2):
            sim = Sim(self, binary, "--scenario", "idle")
            tap.wait_event(lambda event: event["event"] == "coretap:node_found" and event["pid"] == sim.node_pid)
            tap.wait_event(lambda event: event["event"].startswith("net:") and event["pid"] == sim.node_pid)
            sim.send(signal.SIGTERM).expect(0)
            tap.wait_event(lambda event: event["event"] == "coretap:node_gone" and event["pid"] == sim.node_pid)
            pids.append(sim.node_pid)
        tap.stop()
        own = [(event["event"], event["pid"]) for event in tap.events() if event["event"].startswith("coretap:node")]
        self.assertEqual(own, [(name, pid) for pid in pids for name in ("coretap:node_found", "coretap:node_gone")])
        for pid in pids:
            of_pid = [event["event"] for event in tap.events() if event["pid"] == pid]
            self.assertEqual((of_pid[0], of_pid[-1]), ("coretap:node_found", "coretap:node_gone"))
            self.assertGreater(len(of_pid), 2)

    def test_labels_outlive_nodes_and_coretap(self):
        """Of two data directories of one name, whoever is found first."""
        binary = self.sim_copy()
        directories = {name: self.path(f"{name}/.bitcoin") for name in ("alice", "bob")}

        def start(name):
            return Sim(self, binary, "--scenario", "idle", "--datadir", directories[name])

        def label(tap, sim):
            return tap.wait_event(lambda event: event["event"] == "coretap:node_found" and event["pid"] == sim.node_pid)["args"]["label"]
        sims = {"bob": start("bob"), "alice": start("alice")}
        for order in ("alice", "bob"), ("bob", "alice"):
            tap = Tap(self, binary=binary)
            self.assertEqual({name: label(tap, sim) for name, sim in sims.items()}, {"alice": "alice/.bitcoin", "bob": "bob/.bitcoin"})
            for name in order:
                sims[name].send(signal.SIGTERM).expect(0)
            sims = {name: start(name) for name in order}
            self.assertEqual({name: label(tap, sim) for name, sim in sims.items()}, {"alice": "alice/.bitcoin", "bob": "bob/.bitcoin"})
            tap.stop()
        for sim in sims.values():
            sim.send(signal.SIGTERM).expect(0)

    def test_a_nodes_child_is_no_node(self):
        """As -blocknotify makes one: of the same executable until it calls execve."""
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sim = Sim(self, binary, "--scenario", "messages", "--rate", "50", "--duration", "3s", "--helper", "2500ms").expect(0)
        tap.stop()
        self.assertEqual([event["pid"] for event in tap.events("coretap:node_found")], [sim.node_pid])

    def test_a_child_that_stays_is_the_node(self):
        """As with -daemon: found once its parent has ended, though it fires nothing yet."""
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sim = Sim(self, binary, *HELLO, "--helper", "4s").expect(0)
        tap.wait_event(lambda event: event["event"] == "coretap:node_found" and event["pid"] != sim.node_pid)
        tap.stop()

    def test_node_killed_under_load(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sim = Sim(self, binary, "--scenario", "firehose")
        tap.wait_event(lambda event: event["event"].startswith("net:"), 1000)
        sim.send(signal.SIGKILL).expect(-signal.SIGKILL)
        tap.wait_named("coretap:node_gone")
        again = Sim(self, binary, *HELLO, log=True).expect(0)
        tap.stop(patience=3 * harness.PATIENCE)
        self.check_ledger(tap)
        self.check_lost_events(tap)
        self.check_order(tap.events())
        self.check_complete(tap, again)

    def test_two_at_once_told_apart(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        alice = Sim(self, binary, *HELLO, "--datadir", self.path("alice"), "--start-delay", "300ms", log=True)
        bob = Sim(self, binary, *HELLO, "--datadir", self.path("bob"), "--seed", "7", "--start-delay", "300ms", log=True)
        alice.expect(0)
        bob.expect(0)
        tap.stop()
        for sim, label in (alice, "alice"), (bob, "bob"):
            self.check_complete(tap, sim)
            self.assertEqual({event["node"] for event in tap.probes(sim.node_pid)}, {label})
        self.assertEqual({event["args"]["label"] for event in tap.events("coretap:node_found")}, {"alice", "bob"})
        self.check_order(tap.events())

    def test_datadirs_of_the_same_name_are_told_apart(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sims = [Sim(self, binary, "--scenario", "idle", "--datadir", self.path(host) + "/bitcoin") for host in ("one", "two")]
        for sim in sims:
            tap.wait_event(lambda event: event["event"] == "coretap:node_found" and event["pid"] == sim.node_pid)
        labels = {event["pid"]: event["args"]["label"] for event in tap.events("coretap:node_found")}
        self.assertEqual(len(set(labels.values())), 2, labels)

    def test_datadir_picks_one(self):
        binary = self.sim_copy()
        alice = Sim(self, binary, *HELLO, "--datadir", self.path("alice"), "--wait-attached", "--settle", "500ms", log=True)
        bob = Sim(self, binary, *HELLO, "--datadir", self.path("bob"), "--wait-attached", "--settle", "500ms")
        tap = Tap(self, "--datadir", self.path("alice") + "/", attached=False)
        tap.wait_event(lambda event: event["event"] == "coretap:node_found" and event["pid"] == alice.node_pid)
        alice.expect(0)
        bob.expect(0)
        tap.stop()
        self.check_complete(tap, alice)
        self.assertEqual({event["pid"] for event in tap.probes()}, {alice.node_pid})
        self.assertEqual([event["pid"] for event in tap.events("coretap:node_found")], [alice.node_pid])
        for row in tap.ledger().values():
            self.assertEqual(row["fired"], row["delivered"] + row["withheld"] + row["lost"])

    def test_pid_ends_with_the_process(self):
        binary = self.sim_copy()
        other = Sim(self, binary, "--scenario", "messages", "--rate", "100", "--datadir", self.path("other"))
        sim = Sim(self, binary, *HELLO, "--wait-attached", "--start-delay", "300ms", log=True)
        tap = Tap(self, "--pid", str(sim.node_pid))
        sim.expect(0)
        tap.expect(0)
        self.assertIn(f"process {sim.node_pid} ended", tap.err())
        self.check_complete(tap, sim)
        self.assertEqual({event["pid"] for event in tap.events()}, {sim.node_pid})
        other.kill()

    def test_waits_for_a_file_that_is_not_there_yet(self):
        binary = self.path("later")
        tap = Tap(self, binary=binary, attached=False)
        tap.wait_err("is not there yet; waiting")
        harness.shutil.copyfile(harness.SIM, self.path("part"))
        harness.os.chmod(self.path("part"), 0o755)
        harness.os.rename(self.path("part"), binary)
        tap.wait_err("attached to")
        sim = Sim(self, binary, *HELLO, log=True).expect(0)
        tap.stop()
        self.check_complete(tap, sim)

    def test_many_short_lives(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sims = [Sim(self, binary, *HELLO, ready=False) for _ in range(20)]
        for sim in sims:
            sim.expect(0)
        tap.stop()
        total = collections.Counter()
        for sim in sims:
            total += collections.Counter(sim.result()["calls"])
            self.assertEqual(len(tap.probes(sim.result()["pid"])),
                             sum(calls for name, calls in sim.result()["calls"].items() if name not in harness.HOT and name != "simnode:demo"))
        table = self.check_ledger(tap)
        for name, row in table.items():
            self.assertEqual(row["fired"], total[name], name)


if __name__ == "__main__":
    harness.main()
