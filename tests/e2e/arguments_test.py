#!/usr/bin/env python3
"""Every tracepoint, every argument, by value: what the simulator says it fired is what coretap prints."""
import calendar
import time

import harness
from harness import SIM, SIM_2023, Case, brief, expected_of

EVERY = ("--scenario", "every")


class Arguments(Case):
    def every(self, *tap_args, source=SIM, demo=True, **more):
        """One round of the scenario. Returns (tap, sim, its log)."""
        config = ("--config", self.write("demo.toml", harness.DEMO_CONFIG)) if demo else ()
        tap, sim = self.trace_run(EVERY, ("--enable", harness.HOT, *config, *tap_args), source=source, **more)
        return tap, sim, sim.fired_log()

    def compare(self, tap, sim, log, snap=lambda kind: None):
        events = tap.probes(sim.node_pid)
        self.assertEqual([event["event"] for event in events], [line["event"] for line in log], "names, in order")
        bounds = {**harness.BOUNDS, "text": 100, "bytes": 1000}
        wrong = []
        for event, line in zip(events, log):
            args, cut = expected_of(line, snap, bounds)
            self.assertEqual(list(event["args"]), list(args), f"which arguments, in order: {brief(line)}")
            wrong += [f"seq {line['seq']} {line['event']} {name}: {brief(event['args'][name])}, not {brief(args[name])}; {brief(event)}"
                      for name in args if event["args"][name] != args[name]]
            if (event.get("cut", []), event.get("faults", []), event.get("shed", False)) != (cut, [], False):
                wrong.append(f"seq {line['seq']}: cut should be {cut}, faults and shed nothing: {brief(event)}")
            self.assertEqual((event["pid"], event["tid"]), (sim.node_pid, line["tid"]))
            self.assertEqual(event["node"], "node")
        self.assertFalse(wrong, "\n".join(wrong[:10]))
        self.check_order(tap.events())
        fired = sim.result()["fired"]
        self.assertEqual(fired, sim.result()["calls"], "attached before it started: every call fires")
        table = self.check_ledger(tap, fired)
        for name, row in table.items():
            self.assertEqual((row["delivered"], row["lost"]), (fired[name], 0), name)
        return table

    def test_every_argument_of_every_tracepoint(self):
        tap, sim, log = self.every("--payload", "all")
        table = self.compare(tap, sim, log)
        self.assertEqual(set(table), {*harness.TRACEPOINTS, "simnode:demo"})
        # what the scenario is for, so that a weaker one does not pass unnoticed
        sizes = {line["args"]["size"] for line in log if line["event"] == "net:inbound_message"}
        self.assertTrue({0, 255, 256, 257, 4095, 4096, 65536, 1_000_000, 4_000_000} <= sizes)
        cut = {name for event in tap.probes() for name in event.get("cut", [])}
        self.assertEqual(cut, {"addr", "conn_type", "msg_type", "reason", "wallet", "text"})

    def test_whole_messages_of_four_million_bytes(self):
        # a ring that also a reader built with a sanitizer does not let fill
        tap, sim, _ = self.every("--payload", "all", "--only", "net:inbound_message,net:outbound_message", "--ring", "64MiB", demo=False)
        whole = bytes(i % 251 for i in range(4_000_000)).hex()
        largest = [event for event in tap.probes(sim.node_pid) if event["args"].get("size") == 4_000_000]
        self.assertEqual([event["event"] for event in largest], ["net:inbound_message", "net:outbound_message"])
        for event in largest:
            self.assertTrue(event["args"]["payload"] == whole, "every byte")
            self.assertNotIn("cut", event)

    def test_times_are_of_the_firing(self):
        tap, sim, _ = self.every("--payload", "none", demo=False)
        offset = time.time_ns() - time.monotonic_ns()
        for event in tap.probes(sim.node_pid)[:200]:
            stamp, fraction = event["ts"].rstrip("Z").split(".")
            self.assertEqual(len(fraction), 9)
            utc = calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction)
            self.assertLess(abs(utc - event["mono_ns"] - offset), 10**9, event["ts"])
            self.assertGreater(event["mono_ns"], 0)

    def test_older_layout_of_addrman(self):
        tap, sim, log = self.every("--payload", "none", source=SIM_2023)
        self.compare(tap, sim, log, lambda kind: 0)
        moves = tap.events("addrman:move_to_good")
        self.assertEqual(list(moves[0]["args"]), ["addr", "bucket", "position", "asn", "source", "source_asn"])

    def test_perf_uprobes_carry_the_same(self):
        tap, sim, log = self.every("--payload", "80", "--perf-uprobes")
        self.assertIn("perf uprobe", tap.err())
        self.compare(tap, sim, log, lambda kind: 80)

    def test_payload_none_is_the_default(self):
        tap, sim, log = self.every()
        self.compare(tap, sim, log, lambda kind: 0)

    def test_payload_of_80_bytes(self):
        tap, sim, log = self.every("--payload", "80")
        self.compare(tap, sim, log, lambda kind: 80)

    def test_payload_by_message_type(self):
        tap, sim, log = self.every("--payload", "inv=all,tx=80,block=4096,*=16")
        self.compare(tap, sim, log, lambda kind: {"inv": None, "tx": 80, "block": 4096}.get(kind, 16))

    def test_payload_of_unnamed_types_is_left_out(self):
        tap, sim, log = self.every("--payload", "ping=all,other=3")
        known = {"", "zzunknown", "twelve-bytes", "t" * 60}
        self.compare(tap, sim, log, lambda kind: None if kind == "ping" else 3 if kind in known else 0)

    def test_hot_tracepoints_are_off_unless_asked_for(self):
        tap, sim = self.trace_run(EVERY, ())
        self.assertEqual({event["event"] for event in tap.probes(sim.node_pid)}, set(harness.TRACEPOINTS) - set(harness.HOT.split(",")))
        self.assertNotIn("utxocache:add", tap.ledger())

    def test_introduction_of_the_node(self):
        binary = self.sim_copy(name="my-node")
        tap = harness.Tap(self, binary=binary)
        sim = harness.Sim(self, binary, "--scenario", "idle", "--wait-attached", "--datadir", self.path("data"), "--regtest")
        found = tap.wait_named("coretap:node_found")
        sim.send(2).expect(0)
        gone = tap.wait_named("coretap:node_gone")
        tap.stop()
        self.assertEqual((found["pid"], found["args"]["label"], found["args"]["executable"]), (sim.node_pid, "data", binary))
        self.assertEqual((found["args"]["datadir"], found["args"]["chain"]), (self.path("data"), "regtest"))
        self.assertRegex(found["args"]["build_id"], "^[0-9a-f]{40}$")
        self.assertEqual((gone["pid"], gone["args"]["label"]), (sim.node_pid, "data"))
        for event in tap.probes(sim.node_pid):
            self.assertEqual((event["node"], event["node_started_at"]), ("data", found["args"]["started_at"]))


class Faults(Case):
    """Pointers nobody can read: null and named, and no byte of another event in their place."""

    def test_what_cannot_be_read_is_null_and_named(self):
        config = ("--config", self.write("demo.toml", harness.DEMO_CONFIG))
        tap, sim = self.trace_run(("--scenario", "faults"), ("--payload", "all", "--enable", harness.HOT, *config))
        events, log = tap.probes(sim.node_pid), sim.fired_log()
        self.assertEqual([event["event"] for event in events], [line["event"] for line in log])
        bounds = {**harness.BOUNDS, "text": 100, "bytes": 1000}
        faults_seen = set()
        peers = {}  # a peer's address and connection type are read once, when both can be: in a node they never change
        for event, line in zip(events, log):
            if line["event"] in ("net:inbound_message", "net:outbound_message"):
                strings = {name: line["args"][name] for name in ("addr", "conn_type")}
                if None not in strings.values():
                    peers.setdefault(line["args"]["peer_id"], strings)
                line["args"].update(peers.get(line["args"]["peer_id"], {}))
            faults = set(event.get("faults", []))
            faults_seen |= {(line["event"], name) for name in faults}
            expected, _ = expected_of({**line, "args": {name: value for name, value in line["args"].items() if value is not None}}, bounds=bounds)
            for name, value in line["args"].items():
                got = event["args"].get(name)
                if value is None:
                    # what runs off a page beyond its bound is known up to there; anything else is unknown
                    if name in bounds and got is not None:
                        self.assertEqual(got, ("41" if name == "bytes" else "A") * bounds[name], f"{name} of {brief(line)}: {brief(event)}")
                        self.assertIn(name, event["cut"])
                    elif name == "payload" and event["args"]["size"] > 4_000_000 and name not in faults:
                        self.assertIsNone(got, brief(event))
                    else:
                        self.assertIsNone(got, f"{name} of {brief(line)}: {brief(event)}")
                        self.assertIn(name, faults, f"{brief(line)}: {brief(event)}")
                else:
                    self.assertNotIn(name, faults, f"{brief(line)}: {brief(event)}")
                    self.assertEqual(got, expected.get(name), f"{name} of {brief(line)}: {brief(event)}")
        for name in ("addr", "conn_type", "msg_type", "payload"):
            self.assertIn(("net:inbound_message", name), faults_seen)
        table = self.check_ledger(tap, sim.result()["fired"])
        for name in table:
            faulty = sum(1 for event in events if event["event"] == name and "faults" in event)
            self.assertEqual(table[name]["with unreadable arguments"], faulty, name)


if __name__ == "__main__":
    harness.main()
