"""What two nodes say to each other, decoded: equal to what their RPC says of the same blocks, transactions and peers. And the
recording of it shows the same again."""
import os
import subprocess
import tempfile

import harness
from harness import wait_until

WALLET = "w"


class Decoded(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="coretap-realnode-")
        cls.addClassCleanup(folder.cleanup)
        cls.recording = os.path.join(folder.name, "talk.ctap")
        cls.log = cls.tap("--decode", "full", "--record", cls.recording)
        cls.alice = cls.node("alice", "-v2transport=0", "-blockfilterindex=1", "-peerblockfilters=1", "-peerbloomfilters=1", listen=True).start()
        cls.alice.rpc("createwallet", WALLET)
        cls.address = cls.alice.rpc("getnewaddress", wallet=WALLET)
        cls.alice.rpc("generatetoaddress", 120, cls.address)
        cls.bob = cls.node("bob", "-v2transport=0", f"-connect={cls.alice.address}").start()
        cls.nodes = (cls.alice, cls.bob)
        wait_until(lambda: cls.bob.rpc("getblockcount") == 120, "the blocks arrive")

    def decoded(self, name, pids=None, **args):
        return [event for event in self.log.events(name, pids=pids or set(self.bob.pids), **args) if "decoded" in event.raw]

    def check_header(self, shown, header):
        self.assertEqual((shown["hash"], shown["version"], shown["merkle_root"], shown["time"], shown["bits"], shown["nonce"]),
                         (header["hash"], header["version"], header["merkleroot"], header["time"], header["bits"], header["nonce"]))

    def check_tx(self, shown, tx):
        self.assertEqual((shown["txid"], shown["wtxid"], shown["version"], shown["size"], shown["vsize"], shown["weight"], shown["lock_time"]),
                         (tx["txid"], tx["hash"], tx["version"], tx["size"], tx["vsize"], tx["weight"], tx["locktime"]))
        self.assertEqual([(output["value"], output["script_pubkey"]) for output in shown["outputs"]],
                         [(harness.satoshi(output["value"]), output["scriptPubKey"]["hex"]) for output in tx["vout"]])
        for given, known in zip(shown["inputs"], tx["vin"], strict=True):
            self.assertEqual(given["sequence"], known["sequence"])
            self.assertEqual(given.get("witness", []), known.get("txinwitness", []))
            if "txid" in known:
                self.assertEqual((given["txid"], given["vout"], given["script_sig"]), (known["txid"], known["vout"], known["scriptSig"]["hex"]))

    def test_talk(self):
        alice, bob = self.nodes
        # a transaction, a block with it, as compact block and whole
        txid = alice.rpc("sendtoaddress", self.address, 1, wallet=WALLET)
        wait_until(lambda: txid in bob.rpc("getrawmempool"), "the transaction arrives")
        tip, = alice.rpc("generatetoaddress", 1, self.address)
        wait_until(lambda: bob.rpc("getbestblockhash") == tip, "the block arrives")
        for node in self.nodes:
            before = self.log.mark()
            node.rpc("ping")
            self.log.wait_for("net:inbound_message", since=before, msg_type="pong", pids={node.pid})

        for event in self.log.events("net:inbound_message", "net:outbound_message"):
            decoded = event.raw["decoded"]
            for finding in ("status", "problem", "trailing_bytes", "limit_exceeded"):
                self.assertNotIn(finding, decoded, event)

        version = self.decoded("net:inbound_message", msg_type="version")[0].raw["decoded"]
        peer, = bob.peers()
        self.assertEqual((version["version"], version["user_agent"], version["start_height"], version["relay"]),
                         (peer["version"], peer["subver"], peer["startingheight"] if "startingheight" in peer else version["start_height"], True))
        self.assertEqual(version["services"], peer["services"])
        self.assertEqual(version["services_names"], peer["servicesnames"])

        blocks = self.decoded("net:inbound_message", msg_type="block")
        self.assertTrue(blocks)
        for event in blocks:
            shown = event.raw["decoded"]
            block = alice.rpc("getblock", shown["hash"], 2)
            self.check_header(shown, block)
            self.assertEqual(len(shown["txs"]), block["nTx"])
            for given, known in zip(shown["txs"], block["tx"], strict=True):
                self.check_tx(given, known)
        headers = [header for event in self.decoded("net:inbound_message", msg_type="headers") for header in event.raw["decoded"]["headers"]]
        self.assertTrue(headers)
        for header in headers:
            self.check_header(header, alice.rpc("getblockheader", header["hash"]))
        announced = {entry["hash"] for event in self.decoded("net:inbound_message", msg_type="inv") for entry in event.raw["decoded"]["entries"]}
        sent, = [event for event in self.decoded("net:inbound_message", msg_type="tx") if event.raw["decoded"]["txid"] == txid]
        self.check_tx(sent.raw["decoded"], alice.rpc("getrawtransaction", txid, True, tip))
        self.assertIn(sent.raw["decoded"]["wtxid"], announced)

        before = self.log.mark()
        for node in reversed(self.nodes):
            node.stop()
            self.log.wait_for("coretap:node_gone", pids={node.pid}, since=before)
        self.log.stop()

        again = subprocess.run([harness.CORETAP, "log", "--json", "--payload", "all", "--decode", "full", "--from", self.recording],
                               capture_output=True, check=True)
        self.assertEqual(again.stdout.splitlines(keepends=True), [event._line for event in self.log._events])
        verified = subprocess.run([harness.CORETAP, "verify", self.recording], capture_output=True, text=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)


if __name__ == "__main__":
    harness.main()
