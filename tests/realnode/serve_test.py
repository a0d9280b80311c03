"""What `coretap serve` says of two nodes is what their RPC and their logs say, and it follows a restart."""
import collections
import datetime
import re
import subprocess

import harness
from harness import Peer, satoshi, wait_until

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
# What Bitcoin Core counts of a message beside its payload. v1: magic, type, length, checksum (src/protocol.h). v2 (BIP 324): length, flags and
# tag, and the type as one byte or, where it has no short id, as thirteen (V2_MESSAGE_IDS in src/net.cpp).
V1_HEADER = 24
V2_EXPANSION = 20
V2_SHORT = set("addr block blocktxn cmpctblock feefilter filteradd filterclear filterload getblocks getblocktxn getdata getheaders headers inv mempool "
               "merkleblock notfound ping pong sendcmpct tx getcfilters cfilter getcfheaders cfheaders getcfcheckpt cfcheckpt addrv2 feature".split())


def overhead(transport, kind):
    if transport == "v1":
        return V1_HEADER
    return V2_EXPANSION + (1 if kind in V2_SHORT else 13)


class Log:
    """What a node's debug.log says of blocks."""
    TIME = r"(?m)^(\S+Z) .*?"

    def __init__(self, node):
        self._text = node.debug_log()

    @staticmethod
    def _utc_ms(stamp):
        return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000

    def announced_first(self, block):
        """(peer, how) of the first header of it."""
        compact, peer = re.search(rf"Saw new (cmpctblock )?header hash={block} height=\d+ peer=(\d+)", self._text).groups()
        return int(peer), "cmpctblock" if compact else "headers"

    def tip_utc_ms(self, block):
        return self._utc_ms(re.search(rf"{self.TIME}UpdateTip: new best={block} ", self._text)[1])

    def reconstructions(self, block):
        """(prefilled, from the mempool, requested, bytes of these) of each."""
        pattern = rf"reconstructed block {block} with (\d+) txn prefilled, (\d+) txn from mempool \(.*?\) and (\d+) txn \((\d+) bytes\) requested"
        return [tuple(map(int, found)) for found in re.findall(pattern, self._text)]

    def sent(self, block):
        """Peer -> when it was first told of it."""
        told = {}
        pattern = rf"{self.TIME}sending (?:header-and-ids {block} to peer=(\d+)|header {block} to peer=(\d+)|inv peer=(\d+) hash={block})"
        for stamp, *peers in re.findall(pattern, self._text):
            told.setdefault(int("".join(peers)), self._utc_ms(stamp))
        return told


class Serve(harness.TestCase):
    """Alice listens. Bob has a v2 and a v1 connection to her, and a third peer is a socket of ours."""

    @classmethod
    def setUpClass(cls):
        cls.coretap = cls.serve()
        options = ("-debug=cmpctblock", "-debug=net", "-debug=bench", "-logtimemicros", "-test=addrman", "-connect=0")
        cls.alice = cls.node("alice", *options, listen=True).start()
        cls.bob = cls.node("bob", *options).start()
        cls.nodes = (cls.alice, cls.bob)
        for i in range(100):
            cls.alice.rpc("addpeeraddress", f"{20 + i}.1.2.3", 8333)
        cls.bob.rpc("createwallet", "w")
        mine = cls.bob.rpc("getnewaddress", wallet="w")
        cls.bob.rpc("generatetoaddress", 101, mine)
        cls.bob.rpc("addnode", cls.alice.address, "onetry", True)
        cls.bob.rpc("addnode", f"127.0.0.1:{cls.alice.onion_port}", "onetry", False)
        cls.third = Peer(cls.alice.port)
        cls.addClassCleanup(cls.third.close)
        wait_until(lambda: len(cls.bob.peers()) == 2 and len(cls.alice.peers()) == 3 and cls.alice.rpc("getblockcount") == 101, "they are connected")
        wait_until(lambda: {"addrv2", "pong"} <= set(sum((list(peer["bytesrecv_per_msg"]) for peer in cls.bob.peers()), [])), "addresses have come")
        cls.blocks = []

        def block(node, method, *params):
            found = node.rpc(method, *params)
            cls.blocks.append(found["hash"] if method == "generateblock" else found[0])
            for each in cls.nodes:
                wait_until(lambda: each.rpc("getbestblockhash") == cls.blocks[-1], "both have the block")
        for _ in range(3):  # empty ones; by the last, each has asked the other for compact blocks unasked
            block(cls.bob, "generatetoaddress", 1, ADDRESS)
        txid = cls.bob.rpc("sendtoaddress", ADDRESS, 1, wallet="w")
        wait_until(lambda: txid in cls.alice.rpc("getrawmempool"), "the transaction has come")
        block(cls.bob, "generatetoaddress", 1, ADDRESS)
        # one that Alice does not know, and has to ask for
        funded = cls.bob.rpc("send", {ADDRESS: 2}, None, "unset", None, {"add_to_wallet": False}, wallet="w")
        block(cls.bob, "generateblock", ADDRESS, [funded["hex"]])
        block(cls.alice, "generatetoaddress", 1, ADDRESS)

    def whole_peers(self, node):
        """id -> the peer, as the API has it."""
        listed = self.coretap.api(f"peers?node={node.label}")["peers"]
        whole = {peer["id"]: self.coretap.api(f"peers/{peer['id']}?node={node.label}") for peer in listed}
        for peer in listed:
            # the list is the same peers with fewer members
            self.assertEqual({name: whole[peer["id"]][name] for name in ("address", "conn_type", "inbound")},
                             {name: peer[name] for name in ("address", "conn_type", "inbound")})
        return whole

    def section(self, name, node):
        return (self.coretap.api(name) or {"nodes": {}})["nodes"].get(node.label, {})

    def agree(self, differences):
        """Wait until differences() has none: a message may be under way, a snapshot is a second old, the RPC is asked every five."""
        wait_until(lambda: not differences(), lambda: f"they agree; {differences()}", pause=0.3)

    def test_peers_are_those_of_getpeerinfo(self):
        for node in self.nodes:
            with self.subTest(node=node.label):
                self.agree(lambda: self.peer_differences(node))

    def peer_differences(self, node):
        core = {peer["id"]: peer for peer in node.peers()}
        ours = self.whole_peers(node)
        if set(core) != set(ours):
            return [f"peers {set(core)} and {set(ours)}"]
        found = []
        for number, theirs in core.items():
            peer = ours[number]
            version = peer["version"]
            pairs = {
                "address": (peer["address"], theirs["addr"]),
                "network": (peer["network"], theirs["network"]),
                "inbound": (peer["inbound"], theirs["inbound"]),
                "conn_type": (peer["conn_type"], theirs["connection_type"]),
                "connected": (int(peer["connected_utc_ms"]) // 1000 - theirs["conntime"] in (0, 1), True),
                "subver": (version["user_agent"], theirs["subver"]),
                "version": (version["version"], theirs["version"]),
                "services": (version["services"], theirs["services"]),
                "services_names": (version["services_names"], theirs["servicesnames"]),
                "bip152_hb_to": (peer["compact_hb_to"], theirs["bip152_hb_to"]),
                "bip152_hb_from": (peer["compact_hb_from"], theirs["bip152_hb_from"]),
                "minfeefilter": (peer["fee_filter_sat_per_kvb"] or 0, satoshi(theirs["minfeefilter"])),
                "addr_processed": (peer["addr"]["processed"], theirs["addr_processed"]),
                "addr_rate_limited": (peer["addr"]["rate_limited"], theirs["addr_rate_limited"]),
                "exact": (peer["addr"]["exact"], True),
                "misbehaving": (peer["misbehaving"], 0),
            }
            if theirs["synced_headers"] >= 0:
                pairs["height"] = (peer["height"], theirs["synced_headers"])
            found += [f"{number} {name}: {ours_} is not {core_}" for name, (ours_, core_) in pairs.items() if ours_ != core_]
        return found

    def test_the_peers_are_what_the_test_wants(self):
        """Else the comparison would be of little."""
        of_bob = self.bob.peers()
        self.assertEqual({peer["transport_protocol_type"] for peer in of_bob}, {"v1", "v2"})
        self.assertEqual({peer["network"] for peer in self.alice.peers()}, {"not_publicly_routable", "onion"})
        self.assertTrue(any(peer["addr_processed"] > 5 for peer in of_bob), of_bob)
        self.assertTrue(any(peer["bip152_hb_to"] != peer["bip152_hb_from"] for node in self.nodes for peer in node.peers()))
        self.assertIn("/realnode", [peer["subver"] for peer in self.alice.peers()])

    def test_what_rpc_adds_to_peers(self):
        names = ("transport_protocol_type", "mapped_as", "inv_to_send", "permissions", "minping_s", "synced_headers", "synced_blocks", "addr_processed",
                 "addr_rate_limited")

        def differences(node):
            ours = {peer["id"]: peer for peer in self.section("rpc", node).get("peers") or []}
            found = [] if ours else ["no peers"]
            for theirs in node.peers():
                expected = dict(theirs, minping_s=float(theirs["minping"]) if "minping" in theirs else None)
                expected["mapped_as"] = theirs.get("mapped_as")
                peer = ours.get(theirs["id"], {})
                found += [f"{theirs['id']} {name}: {peer.get(name)} is not {expected.get(name)}" for name in names if peer.get(name) != expected.get(name)]
                if peer.get("inflight") != len(theirs["inflight"]):
                    found.append("inflight")
            return found
        for node in self.nodes:
            with self.subTest(node=node.label):
                self.agree(lambda: differences(node))

    def test_counters_are_those_of_rpc_less_headers(self):
        for node in self.nodes:
            with self.subTest(node=node.label):
                self.agree(lambda: self.counter_differences(node))

    def counter_differences(self, node):
        found = []
        core = {peer["id"]: peer for peer in node.peers()}
        sums = collections.defaultdict(lambda: [0, 0])
        for number, peer in self.whole_peers(node).items():
            for direction, name in (("in", "bytesrecv_per_msg"), ("out", "bytessent_per_msg")):
                ours = {}
                for kind, row in peer["messages"][direction].items():
                    ours[kind] = row["bytes"] + row["count"] * overhead(core[number]["transport_protocol_type"], kind)
                    sums[direction, peer["conn_type"], kind][0] += row["count"]
                    sums[direction, peer["conn_type"], kind][1] += row["bytes"]
                if ours != core[number][name]:
                    found.append(f"{number} {name}: {ours} is not {core[number][name]}")
        metrics = self.coretap.metrics()
        for index, name in enumerate(("coretap_p2p_messages_total", "coretap_p2p_message_bytes_total")):
            exported = {}
            for (metric, labels), value in metrics.items():
                labels = dict(labels)
                if metric == name and labels["node"] == node.label:
                    exported[labels["direction"], labels["conn_type"], labels["type"]] = value
            if exported != {key: pair[index] for key, pair in sums.items()}:
                found.append(f"{name}: {exported} is not {dict(sums)}")
        if metrics["coretap_p2p_messages_exact", frozenset({("node", node.label)})] != 1:
            found.append("not exact")
        return found

    def test_block_journeys_agree_with_the_log(self):
        journeys = {}
        for node in self.nodes:
            wait_until(lambda: self.coretap.api(f"blocks?node={node.label}")["blocks"][0]["hash"] == self.blocks[-1], "the last block")
            wait_until(lambda: len(Log(self.alice).sent(self.blocks[-1])) == 3, "everybody knows of it")
            journeys[node.label] = {block["hash"]: block for block in self.coretap.api(f"blocks?node={node.label}&limit=144")["blocks"]}
        requested = 0
        for node in self.nodes:
            other = self.nodes[node is self.alice]
            log, others = Log(node), Log(other)
            ends = {(peer["addrbind"], peer["addr"]): peer["id"] for peer in node.peers()}
            same = {peer["id"]: ends[end] for peer in other.peers() if (end := (peer["addr"], peer["addrbind"])) in ends}  # their id -> ours
            self.assertEqual(len(same), 2)
            for block in self.blocks:
                with self.subTest(node=node.label, block=block, journey=journeys[node.label].get(block)):
                    journey = journeys[node.label][block]
                    core = other.rpc("getblock", block)
                    self.assertEqual((journey["height"], journey["transactions"]), (core["height"], core["nTx"]))
                    self.assertFalse(journey["gap"])
                    self.assertLess(abs(journey["connected_utc_ms"] - log.tip_utc_ms(block)), 500)
                    sent = log.sent(block)
                    self.assertEqual(journey["relayed_peers"], len(sent), sent)
                    if sent:
                        self.assertLess(abs(journey["first_relay_utc_ms"] - min(sent.values())), 500)
                    # who told us of it, as the other says, who told us
                    self.assertEqual({step["peer_id"] for step in journey["announcements"]}, {same[peer] for peer in others.sent(block) if peer in same})
                    mined_here = (block == self.blocks[-1]) == (node is self.alice)
                    if mined_here:
                        self.assertEqual((journey["requests"], journey["delivered_peer"]), ([], None))
                        continue
                    # the log has no word of an inv
                    first = next(step for step in journey["announcements"] if step["via"] != "inv")
                    self.assertEqual((first["peer_id"], first["via"]), log.announced_first(block))
                    self.assertLessEqual(journey["first_utc_ms"], journey["delivered_utc_ms"])
                    self.assertLessEqual(journey["delivered_utc_ms"], journey["connected_utc_ms"])
                    self.assertIn(journey["delivered_peer"], same.values())
                    built = log.reconstructions(block)
                    self.assertEqual(journey["delivered_via"], "cmpctblock" if built else "block")
                    if not built:
                        continue
                    compact = next(each for each in journey["compact"] if each["peer_id"] == journey["delivered_peer"])
                    prefilled, from_mempool, asked, asked_bytes = built[-1]
                    self.assertEqual((compact["prefilled"], compact["requested"], compact["failed"]), (prefilled, asked, False))
                    self.assertEqual(compact["short_ids"], from_mempool + asked)
                    if asked:
                        requested += 1
                        self.assertEqual(compact["received_bytes"], 32 + 1 + asked_bytes)  # blocktxn: hash, count, transactions
        self.assertEqual(requested, 1, "one block had to be asked for")

    def test_metrics_are_sound_and_rpc_and_log_live(self):
        check = subprocess.run(["promtool", "check", "metrics"], input=self.coretap.get("/metrics"), capture_output=True, text=True, check=False)
        self.assertEqual((check.returncode, check.stdout, check.stderr), (0, "", ""))
        for node in self.nodes:
            def differences():
                metrics = self.coretap.metrics()
                peers = node.peers()
                found = []

                def same(name, expected, **labels):
                    value = metrics.get((f"coretap_{name}", frozenset({("node", node.label), *labels.items()})))
                    if value != expected:
                        found.append(f"{name} {labels}: {value} is not {expected}")
                same("node_running", 1)
                same("node_starts_total", 1)
                same("rpc_up", 1)
                same("log_following", 1)
                same("block_height", node.rpc("getblockcount"))
                same("rpc_block_height", node.rpc("getblockcount"))
                same("rpc_connections", len([peer for peer in peers if peer["inbound"]]), direction="in")
                for side in ("to", "from"):
                    same("peers_by_feature", len([peer for peer in peers if peer[f"bip152_hb_{side}"]]), feature=f"compact_hb_{side}")
                built = re.findall(r"Successfully reconstructed block .* and (\d+) txn", node.debug_log())
                same("log_compact_blocks_total", built.count("0"), complete="true")
                same("log_compact_blocks_total", len(built) - built.count("0"), complete="false")
                return found
            with self.subTest(node=node.label):
                self.agree(differences)
                self.assertEqual(self.section("rpc", node)["state"], "ok")
                self.assertTrue(self.section("log", node)["following"])


class Restart(harness.TestCase):
    def test_a_node_that_stops_and_starts_is_followed(self):
        coretap = self.serve()
        alice = self.node("alice", listen=True).start()
        bob = self.node("bob", f"-connect={alice.address}").start()

        def node():
            return next((each for each in coretap.api("nodes")["nodes"] if each["label"] == bob.label), {"running": None})

        def counters():
            """Of bob, those that must not fall: all but what the node itself counts."""
            node_s = "coretap_rpc_received_bytes_total", "coretap_rpc_sent_bytes_total"
            return {(name, labels): value for (name, labels), value in coretap.metrics().items()
                    if name.endswith("_total") and name not in node_s and ("node", bob.label) in labels}

        def rpc_answers():
            return coretap.metrics().get(("coretap_rpc_up", frozenset({("node", bob.label)}))) == 1

        def log():
            return (coretap.api("log") or {"nodes": {}})["nodes"].get(bob.label) or {"following": False}
        wait_until(rpc_answers, "RPC answers")
        wait_until(lambda: log()["following"], "the log is followed")
        alice.rpc("generatetoaddress", 3, ADDRESS)
        wait_until(lambda: log()["tips"] == 3, "the blocks have come")
        before = counters()
        bob.stop()
        wait_until(lambda: node()["running"] is False, "it is said that the node is gone")
        self.assertEqual(coretap.api(f"peers?node={bob.label}")["peers"], [])
        self.assertNotIn(bob.label, coretap.api("rpc")["nodes"])
        bob.start()
        wait_until(lambda: node()["running"], "it is back")
        self.assertEqual((node()["starts"], node()["pid"]), (2, bob.pid))
        wait_until(rpc_answers, "RPC answers with the new cookie")
        wait_until(lambda: log()["following"], "the log is followed again")
        alice.rpc("generatetoaddress", 1, ADDRESS)
        wait_until(lambda: coretap.api(f"blocks?node={bob.label}")["chain_totals"]["height"] == 4, "the next block")
        wait_until(lambda: log()["tips"] == 4, "counting in the log goes on")
        after = counters()
        self.assertEqual({key for key in before if after.get(key, 0) < before[key]}, set(), "counters do not fall")
        ids = {peer["id"] for peer in bob.peers()}
        wait_until(lambda: {peer["id"] for peer in coretap.api(f"peers?node={bob.label}")["peers"]} == ids, "its peers are the new ones")
        self.assertEqual(len([each for each in coretap.api("nodes")["nodes"] if each["label"] == bob.label]), 1)
        alice.stop()
        bob.stop()
        wait_until(lambda: node()["running"] is False, "and gone again")
        self.assertEqual(coretap.stop(), 0)


if __name__ == "__main__":
    harness.main()
