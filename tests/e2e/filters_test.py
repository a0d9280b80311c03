#!/usr/bin/env python3
"""What is shown is what was asked for; what is not shown is counted; a filter that names nothing is a mistake."""
import collections
import re
import time

import harness
from harness import Case, Sim, Tap, brief, expected_of

RUN = ("--scenario", "mainnet", "--rate", "0", "--count", "4000")
IN = {"net:inbound_message", "net:inbound_connection", "net:evicted_inbound_connection"}
OUT = {"net:outbound_message", "net:outbound_connection"}


def is_message(line):
    return line["event"] in ("net:inbound_message", "net:outbound_message")


def direction(line):
    if line["event"] == "net:closed_connection":
        return "in" if line["args"]["conn_type"] == "inbound" else "out"
    return "in" if line["event"] in IN else "out" if line["event"] in OUT else None


class Filters(Case):
    def check(self, filters):
        """All filters at once, each with a coretap of its own, over one run: {name: (arguments, predicate)}."""
        binary = self.sim_copy()
        taps = {name: Tap(self, *args, binary=binary, name=name) for name, (args, _) in filters.items()}
        sim = Sim(self, binary, *RUN, "--datadir", self.path("alice"), log=True).expect(0)
        log = sim.fired_log()
        fired = collections.Counter(line["event"] for line in log)
        for name, (args, wanted) in filters.items():
            with self.subTest(name):
                tap = taps[name]
                tap.stop()
                expected = [line for line in log if wanted(line) and line["event"] not in harness.HOT]
                self.assertGreater(len(expected), 0, "a filter that nothing passes tests nothing")
                self.assertEqual([(event["event"], event["args"]) for event in tap.probes(sim.node_pid)],
                                 [(line["event"], expected_of(line, lambda kind: 0)[0]) for line in expected], args)
                table = self.check_ledger(tap)
                for tracepoint, row in table.items():
                    self.assertEqual(row["fired"], fired[tracepoint], tracepoint)
        return taps, log

    def test_by_tracepoint_type_and_direction(self):
        taps, log = self.check({
            "all": ((), lambda line: True),
            "only": (("--only", "mempool,net:closed_connection,block_connected"),
                     lambda line: line["event"].startswith("mempool:") or line["event"] in ("net:closed_connection", "validation:block_connected")),
            "msg": (("--msg", "inv,tx"), lambda line: is_message(line) and line["args"]["msg_type"] in ("inv", "tx")),
            "in": (("--direction", "in"), lambda line: direction(line) == "in"),
            "out": (("--direction", "out"), lambda line: direction(line) == "out"),
        })
        # --msg is decided in the kernel: what was withheld is counted, not lost
        table = taps["msg"].ledger()
        for name in "net:inbound_message", "net:outbound_message":
            shown = sum(1 for event in taps["msg"].probes() if event["event"] == name)
            self.assertEqual((table[name]["delivered"], table[name]["lost"]), (shown, 0))
            self.assertEqual(table[name]["withheld"], sum(1 for line in log if line["event"] == name) - shown)
            self.assertGreater(table[name]["withheld"], 0)
        self.assertIn("only counted", taps["msg"].err())

    def test_by_peer_and_connection(self):
        self.check({
            "peer": (("--peer", "0,3"), lambda line: line["args"].get("peer_id") in (0, 3)),
            "conn": (("--conn-type", "inbound,block-relay-only"), lambda line: line["args"].get("conn_type") in ("inbound", "block-relay-only")),
            "node": (("--node", "alice"), lambda line: True),
            "all_of_them": (("--only", "net", "--msg", "ping,pong", "--direction", "in", "--conn-type", "inbound"),
                            lambda line: line["event"] == "net:inbound_message" and line["args"]["msg_type"] in ("ping", "pong") and line["args"]["conn_type"] == "inbound"),
        })

    def test_another_node_shows_nothing(self):
        tap, sim = self.trace_run(RUN, ("--node", "bob"))
        self.assertEqual(tap.probes(), [])
        self.check_ledger(tap)

    def test_count_only(self):
        tap, sim = self.trace_run(("--scenario", "every"), ("--count-only", "net,utxocache"))
        fired = sim.result()["fired"]
        self.assertFalse([event for event in tap.probes() if event["event"].startswith(("net:", "utxocache:"))])
        table = self.check_ledger(tap, fired)
        for name in "net:inbound_message", "net:outbound_message", "utxocache:add", "utxocache:spent":
            self.assertEqual((table[name]["withheld"], table[name]["delivered"]), (fired[name], 0), name)
            self.assertGreater(fired[name], 0)
        self.assertEqual(table["mempool:added"]["delivered"], fired["mempool:added"])

    def test_count_is_exact(self):
        binary = self.sim_copy()
        for count in 1, 10, 1000:
            tap = Tap(self, "--count", str(count), "--only", "net", binary=binary)
            sim = Sim(self, binary, "--scenario", "firehose", "--count", "20000")
            tap.expect(0)
            self.assertEqual(len(tap.probes()), count)
            sim.kill()

    def test_duration(self):
        binary = self.sim_copy()
        start = time.monotonic()
        tap = Tap(self, "--duration", "700ms", binary=binary)
        sim = Sim(self, binary, "--scenario", "mainnet", "--rate", "500")
        tap.expect(0)
        took = time.monotonic() - start
        self.assertGreaterEqual(took, 0.7)
        if harness.SLOW == 1:
            self.assertLess(took, 3)
        self.assertGreater(len(tap.probes()), 0)
        sim.kill()

    def test_filters_that_name_nothing(self):
        wrong = {
            ("--only", "mempool:aded"): "mempool:added",
            ("--only", "nett"): "did you mean 'net'",
            ("--only", "net,,mempool"): "empty name",
            ("--enable", "utxocache:ad"): "utxocache:add",
            ("--count-only", "nosuch"): "no tracepoint is called",
            ("--msg", "pingg"): "did you mean 'ping'",
            ("--conn-type", "inbond"): "did you mean 'inbound'",
            ("--direction", "sideways"): "in or out",
            ("--peer", "x"): "peer id",
            ("--peer", "-1"): "peer id",
            ("--peer", "1.5"): "peer id",
            ("--payload", "lots"): "payload size",
            ("--payload", "5000000"): "4000000",
            ("--payload", "png=all"): "ping",
            ("--payload", "inv=all,inv=none"): "twice",
            ("--only", "mempool", "--msg", "ping"): "lets nothing pass",
            ("--only", "validation", "--direction", "in"): "lets nothing pass",
            ("--count", "0"): "--count",
            ("--count", "-5"): "--count",
            ("--count", "many"): "--count",
            ("--duration", "soon"): "--duration",
            ("--stats", "often"): "--stats",
            ("--ring", "big"): "--ring",
            ("--ring", "1"): "ring",
            ("--ring", "1TiB"): "ring",
            ("--color", "blue"): "color",
        }
        for args, what in wrong.items():
            with self.subTest(" ".join(args)):
                result = self.run_coretap("log", *args, "--check", "--binary", self.path("none"))
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(what, result.stderr)
                self.assertTrue(result.stderr.startswith("coretap: "), result.stderr)
                self.assertEqual(result.stdout, "")

    def test_text_has_the_same_lines(self):
        binary = self.sim_copy()
        as_json = Tap(self, "--msg", "ping,pong", binary=binary)
        as_text = Tap(self, "--msg", "ping,pong", binary=binary, json_lines=False)
        Sim(self, binary, *RUN).expect(0)
        as_json.stop()
        as_text.stop()
        lines = [line for line in as_text.out().splitlines() if "coretap:" not in line]
        events = as_json.probes()
        self.assertEqual(len(lines), len(events))
        self.assertNotIn("\x1b", as_text.out(), "no colour in a file")
        for line, event in zip(lines, events):
            for part in event["args"]["msg_type"], event["args"]["addr"], event["args"]["conn_type"], str(event["args"]["peer_id"]), event["ts"][11:19]:
                self.assertTrue(re.search(re.escape(part), line), f"{part} in {line}; {brief(event)}")


if __name__ == "__main__":
    harness.main()
