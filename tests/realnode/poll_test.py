"""What src/poll says of a node equals what the node says, without privileges, through a restart with another cookie."""
import decimal
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import unittest

import harness
from harness import satoshi, wait_until

PROBE = pathlib.Path(harness.CORETAP).parents[1] / "tests/poll_probe"


class Probe:
    """The poller and the follower of the log, on one node."""

    def __init__(self, node):
        self._process = subprocess.Popen([PROBE, str(node.pid), node.datadir], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.said = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            self.said.append(json.loads(line, parse_float=decimal.Decimal))

    def all(self, what):
        return [each for each in list(self.said) if each["what"] == what]

    def facts(self):
        facts = self.all("facts")
        return facts[-1] if facts else None

    def log(self, kind):
        return [line[kind] for line in self.all("log") if kind in line]

    def warnings(self):
        return [each["text"] for each in self.all("warning")]

    def stop(self):
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(harness.PATIENCE_S)
        self._thread.join()
        self._process.stdout.close()
        return self._process.returncode


class Poll(unittest.TestCase):
    maxDiff = 4000

    def node(self, *args, **kwargs):
        node = harness.Node(*args, **kwargs)
        self.addCleanup(node.clean)
        return node.start()

    def probe(self, node):
        probe = Probe(node)
        self.addCleanup(probe.stop)
        return probe

    def test_facts_and_log(self):
        alice = self.node("alice", "-debug=cmpctblock", "-debug=bench", "-test=addrman", "-checkaddrman=0", listen=True)
        alice.rpc("addpeeraddress", "1.2.3.4", 8333)
        alice.rpc("addpeeraddress", "5.6.7.8", 8333, True)
        probe = self.probe(alice)
        wait_until(lambda: (facts := probe.facts()) and all(method["successes"] for method in facts["methods"].values()), "every method answers",
                   timeout=20)
        bob = self.node("bob", f"-connect={alice.address}", "-debug=cmpctblock")
        wait_until(lambda: alice.peers() and "pong" in alice.peers()[0]["bytesrecv_per_msg"], "they know each other")
        address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
        for height in range(1, 6):  # one by one: so that later ones come as compact blocks
            bob.rpc("generatetoaddress", 1, address)
            wait_until(lambda height=height: alice.rpc("getblockcount") == height, "the block has come")

        def same_peers():
            theirs = {peer["id"]: peer for peer in alice.peers()}
            ours = {peer["id"]: peer for peer in probe.facts().get("peers", [])}
            if set(ours) != set(theirs):
                return False
            for number, peer in ours.items():
                expected = theirs[number]
                if any(peer[name] != expected[name] for name in ("bytessent_per_msg", "bytesrecv_per_msg")):
                    return False  # a message went between the two looks
                for name in ("addr", "subver", "inbound", "version", "conntime", "connection_type", "transport_protocol_type", "network"):
                    self.assertEqual(peer[name], expected[name], name)
                self.assertEqual(peer["services"], int(expected["services"], 16))
                self.assertEqual(peer["minfeefilter_sat_per_kvb"], satoshi(expected["minfeefilter"]))
                self.assertEqual(peer["inv_to_send"], expected.get("inv_to_send"))
            return True
        wait_until(same_peers, "the peers are those of getpeerinfo")

        wait_until(lambda: probe.facts()["blocks"] == 5, "the height")
        facts = probe.facts()
        self.assertTrue(facts["ok"])
        self.assertEqual(facts["chain"], "regtest")
        self.assertEqual(facts["bestblockhash"], alice.rpc("getbestblockhash"))
        self.assertEqual(facts["version"], alice.rpc("getnetworkinfo")["version"])
        self.assertEqual(facts["relayfee_sat_per_kvb"], satoshi(alice.rpc("getnetworkinfo")["relayfee"]))
        self.assertEqual(facts["maxmempool_bytes"], alice.rpc("getmempoolinfo")["maxmempool"])
        self.assertLessEqual(abs(facts["uptime_s"] - alice.rpc("uptime")), 2)
        self.assertEqual(facts["tips"], len(alice.rpc("getchaintips")))
        self.assertEqual(facts["orphans"], 0)
        self.assertEqual(facts["addrman_total"], alice.rpc("getaddrmaninfo")["all_networks"]["total"])
        self.assertEqual(facts["raw_addrman_new"], len(alice.rpc("getrawaddrman")["new"]))
        for name, method in facts["methods"].items():
            self.assertEqual((method["failures"], method["odd"], method["error"]), (0, 0, ""), name)
        self.assertEqual(probe.warnings(), [])

        # the log: a tip for each block, the stages of each, and what the log's own words say of compact blocks
        wait_until(lambda: len(probe.log("tip")) == 5, "every tip")
        self.assertEqual([tip["height"] for tip in probe.log("tip")], [1, 2, 3, 4, 5])
        self.assertEqual(probe.log("tip")[-1]["hash"], alice.rpc("getbestblockhash"))
        stages = [bench["stage"] for bench in probe.log("bench")]
        self.assertEqual(stages.count("Connect block"), 5)
        for stage in ("Load block from disk", "Connect total", "Flush", "Writing chainstate", "Connect postprocess", "Sanity checks", "Fork checks",
                      "Connect transactions", "Verify", "Write undo data", "Index writing"):
            self.assertEqual(stages.count(stage), stages.count("Connect block"), stage)
        log = alice.debug_log()
        self.assertEqual(len(probe.log("reconstruction")), log.count("Successfully reconstructed block "))
        self.assertEqual(len(probe.log("header")), log.count(" Saw new "))
        self.assertTrue(probe.log("header"))
        self.assertTrue(probe.log("reconstruction"), "bob's later blocks come as compact ones")
        self.assertEqual({built["requested"] for built in probe.log("reconstruction")}, {0})
        self.assertEqual({built["requested_bytes"] for built in probe.log("reconstruction")}, {0})
        self.assertEqual(probe.stop(), 0)

    def test_restart_with_another_cookie_and_rotated_log(self):
        node = self.node("carol")
        # by the data directory: the process changes
        place = harness.Node.__new__(harness.Node)
        place.pids, place.datadir = [0], node.datadir
        pathlib.Path(node.datadir, "bitcoin.conf").write_text(f"regtest=1\n[regtest]\nrpcport={node.rpc_port}\n", encoding="ascii")
        probe = self.probe(place)
        wait_until(lambda: probe.facts() and probe.facts()["ok"], "it answers")
        cookie = pathlib.Path(node.datadir, "regtest/.cookie").read_bytes()
        node.stop()
        wait_until(lambda: not probe.facts()["ok"], "it is gone")
        log = pathlib.Path(node.datadir, "regtest/debug.log")
        os.rename(log, log.with_name("debug.log.1"))
        node.start()
        wait_until(lambda: probe.facts()["ok"] and probe.facts()["reconnects"] == 1, "it answers again")
        self.assertNotEqual(cookie, pathlib.Path(node.datadir, "regtest/.cookie").read_bytes())
        node.rpc("generatetoaddress", 1, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
        wait_until(lambda: any(tip["height"] == 1 for tip in probe.log("tip")), "the new log is followed")
        # and one that is rotated as logrotate does it
        os.rename(log, log.with_name("debug.log.2"))
        os.kill(node.pid, signal.SIGHUP)  # bitcoind opens another with the next line
        node.rpc("generatetoaddress", 1, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
        wait_until(lambda: any(tip["height"] == 2 for tip in probe.log("tip")), "the rotated log is followed")
        self.assertIn("answers again", " ".join(probe.warnings()))
        self.assertLessEqual(len([text for text in probe.warnings() if text.startswith("RPC")]), 6, probe.warnings())
        self.assertEqual(probe.stop(), 0)


if __name__ == "__main__":
    if not harness.BITCOIND:
        print("realnode: skipped: BITCOIND is not set")
        sys.exit(harness.SKIPPED)
    unittest.main(verbosity=2)
