"""Blocks, mempool, wallet and UTXO cache of one node: what the tracepoints say equals what the RPC says."""
import re
import time

import harness
from harness import COIN, RpcError, satoshi, wait_until

WALLET = "wällét №1"  # not only ASCII
MATURITY = 100
BLOCKS = 130
COIN_SELECTION = ["coin_selection:selected_coins", "coin_selection:normal_create_tx_internal", "coin_selection:attempting_aps_create_tx",
                  "coin_selection:selected_coins", "coin_selection:aps_create_tx_internal"]


class Chain(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = cls.tap("--enable", "utxocache:add,utxocache:spent")
        cls.alice = cls.node("alice").start()
        cls.alice.rpc("createwallet", WALLET, False, False, "", False, True, True)
        cls.address = cls.wallet("getnewaddress")
        before = time.monotonic_ns()
        cls.first_blocks = cls.mine(BLOCKS)
        cls.mining_ns = (before, time.monotonic_ns())

    @classmethod
    def tearDownClass(cls):
        cls.alice.stop()
        cls.log.wait_for("coretap:node_gone", pids={cls.alice.pid})
        cls.log.stop()
        cls().check_stream(cls.log, cls.alice)

    @classmethod
    def wallet(cls, method, *params):
        return cls.alice.rpc(method, *params, wallet=WALLET)

    @classmethod
    def mine(cls, count=1):
        return cls.alice.rpc("generatetoaddress", count, cls.address)

    def setUp(self):
        if self.alice.rpc("getrawmempool"):
            self.mine()
        self.assertEqual(self.alice.rpc("getrawmempool"), [])
        self.start = self.log.mark()

    def wait(self, name, count=1, **args):
        return self.log.wait_for(name, count=count, pids=set(self.alice.pids), **{"since": self.start, **args})

    def one(self, name, **args):
        found = self.wait(name, **args)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def settled(self):
        """Everything fired so far is in the log: a block's event comes after it."""
        tip, = self.mine()
        self.one("validation:block_connected", block_hash=tip)

    def spend(self, coin, fee):
        """A signed transaction that spends a coinbase to ourselves; hex."""
        value = coin["amount"] - harness.decimal.Decimal(fee) / COIN
        raw = self.alice.rpc("createrawtransaction", [{"txid": coin["txid"], "vout": coin["vout"]}], [{self.address: str(value)}])
        signed = self.wallet("signrawtransactionwithwallet", raw)
        self.assertTrue(signed["complete"])
        return signed["hex"]

    def coins(self):
        """Mature, ours, the oldest first."""
        return sorted((coin for coin in self.wallet("listunspent")), key=lambda coin: -coin["confirmations"])

    def check_block(self, event):
        block = self.alice.rpc("getblock", event.block_hash, 2)
        self.assertEqual((event.height, event.transactions, event.inputs), (block["height"], block["nTx"], sum(len(tx["vin"]) for tx in block["tx"])))
        self.assertGreater(event.duration, 0)
        return block

    def check_entry(self, event, entry):
        self.assertEqual((event.vsize, event.fee), (entry["vsize"], satoshi(entry["fees"]["base"])))

    def test_blocks(self):
        self.assertEqual(len(self.first_blocks), BLOCKS)
        found = self.wait("validation:block_connected", count=BLOCKS, since=0)[:BLOCKS]
        self.assertEqual([event.block_hash for event in found], self.first_blocks)
        self.assertEqual([event.height for event in found], list(range(1, BLOCKS + 1)))
        for event in found:
            self.check_block(event)
            self.assertTrue(self.mining_ns[0] < event.mono_ns < self.mining_ns[1])
        self.assertLess(sum(event.duration for event in found), self.mining_ns[1] - self.mining_ns[0])

    def test_block_with_transactions(self):
        coins = self.coins()[:3]
        txids = [self.alice.rpc("sendrawtransaction", self.spend(coin, 1000)) for coin in coins]
        before = time.monotonic_ns()
        tip, = self.mine()
        took = time.monotonic_ns() - before
        event = self.one("validation:block_connected", block_hash=tip)
        block = self.check_block(event)
        self.assertEqual({tx["txid"] for tx in block["tx"][1:]}, set(txids))
        self.assertEqual((event.transactions, event.inputs), (4, 4))
        self.assertEqual(event.sigops, 3)  # one for each P2WPKH input
        self.assertLess(event.duration, took)
        # the coinbase counts: one of its outputs is P2PKH, a legacy signature operation, which weighs four
        tip, = self.alice.rpc("generatetoaddress", 1, self.wallet("getnewaddress", "", "legacy"))
        self.assertEqual(self.one("validation:block_connected", block_hash=tip).sigops, 4)

    def test_mempool(self):
        txid = self.alice.rpc("sendrawtransaction", self.spend(self.coins()[0], 12345))
        entry = self.alice.rpc("getmempoolentry", txid)
        added = self.one("mempool:added", txid=txid)
        self.check_entry(added, entry)
        self.assertEqual(added.fee, 12345)
        tip, = self.mine()
        removed = self.one("mempool:removed", txid=txid)
        self.check_entry(removed, entry)
        self.assertEqual((removed.reason, removed.entered_at), ("block", entry["time"]))
        self.one("validation:block_connected", block_hash=tip)

    def test_replacement(self):
        first = self.wallet("sendtoaddress", self.address, "1.25")
        old = self.alice.rpc("getmempoolentry", first)
        second = self.wallet("bumpfee", first)["txid"]
        new = self.alice.rpc("getmempoolentry", second)
        event = self.one("mempool:replaced", replaced_txid=first)
        self.assertEqual((event.replaced_vsize, event.replaced_fee, event.replaced_entered_at), (old["vsize"], satoshi(old["fees"]["base"]), old["time"]))
        self.assertEqual((event.replacement_id, event.replacement_vsize, event.replacement_fee), (second, new["vsize"], satoshi(new["fees"]["base"])))
        self.assertIs(event.replacement_is_tx, True)
        self.assertGreater(event.replacement_fee, event.replaced_fee)
        removed = self.one("mempool:removed", txid=first)
        self.check_entry(removed, old)
        self.assertEqual(removed.reason, "replaced")
        self.check_entry(self.one("mempool:added", txid=second), new)

    def test_rejection(self):
        coin = self.coins()[0]
        self.alice.rpc("sendrawtransaction", self.spend(coin, 5000))
        worse = self.spend(coin, 4000)  # a double spend that pays less
        worse_txid = self.alice.rpc("decoderawtransaction", worse)["txid"]
        with self.assertRaises(RpcError) as error:
            self.alice.rpc("sendrawtransaction", worse)
        event = self.one("mempool:rejected", txid=worse_txid)
        self.assertEqual(error.exception.message.split(",")[0], event.reason)
        self.assertIn("insufficient fee", event.reason)

        free = self.spend(self.coins()[0], 0)
        verdict, = self.alice.rpc("testmempoolaccept", [free])
        self.assertFalse(verdict["allowed"])
        event = self.one("mempool:rejected", txid=verdict["txid"])
        self.assertEqual(event.reason, verdict["reject-reason"])
        self.settled()
        self.assertEqual(self.log.events("mempool:added", txid=worse_txid) + self.log.events("mempool:added", txid=verdict["txid"]), [])

    def test_reorganisation(self):
        tip = self.alice.rpc("getblockcount")
        matured = self.alice.rpc("getblock", self.alice.rpc("getblockhash", tip + 1 - MATURITY))["tx"][0]
        old = next(coin for coin in self.coins() if coin["confirmations"] > MATURITY + 5)
        mined = self.alice.rpc("sendrawtransaction", self.spend(old, 3000))
        entry = self.alice.rpc("getmempoolentry", mined)
        block, = self.mine()
        young = next(coin for coin in self.coins() if coin["txid"] == matured)
        waiting = self.alice.rpc("sendrawtransaction", self.spend(young, 2000))
        waiting_entry = self.alice.rpc("getmempoolentry", waiting)
        self.one("validation:block_connected", block_hash=block)

        # back to where the young coin is not yet mature, and the mined transaction not yet mined
        self.alice.rpc("invalidateblock", self.alice.rpc("getblockhash", tip))
        removed = self.one("mempool:removed", txid=waiting)
        self.assertEqual((removed.reason, removed.entered_at), ("reorg", waiting_entry["time"]))
        self.check_entry(removed, waiting_entry)
        again = self.wait("mempool:added", count=2, txid=mined)
        self.assertEqual(len(again), 2)
        for event in again:
            self.check_entry(event, entry)

        before = self.log.mark()
        self.alice.rpc("reconsiderblock", self.alice.rpc("getchaintips")[0]["hash"])
        wait_until(lambda: self.alice.rpc("getbestblockhash") == block, "the longer chain is back")
        connected = self.wait("validation:block_connected", count=2, since=before)
        self.assertEqual([event.height for event in connected], [tip, tip + 1])
        for event in connected:
            self.check_block(event)
        self.assertEqual([event.reason for event in self.wait("mempool:removed", count=2, txid=mined)], ["block", "block"])

    def test_conflict(self):
        coin = self.coins()[0]
        ours = self.alice.rpc("sendrawtransaction", self.spend(coin, 1500))
        entry = self.alice.rpc("getmempoolentry", ours)
        self.alice.rpc("generateblock", self.address, [self.spend(coin, 2500)])
        removed = self.one("mempool:removed", txid=ours)
        self.assertEqual((removed.reason, removed.entered_at), ("conflict", entry["time"]))
        self.check_entry(removed, entry)

    def test_coin_selection(self):
        txid = self.wallet("sendtoaddress", self.address, "2.5")
        tx = self.wallet("gettransaction", txid, True, True)
        fee = -satoshi(tx["fee"])
        self.settled()
        found = self.log.events(*COIN_SELECTION, since=self.start, pids=set(self.alice.pids))
        self.assertEqual([event.name for event in found], COIN_SELECTION)
        self.assertEqual({event.wallet for event in found}, {WALLET})
        self.assertEqual(len({event.tid for event in found}), 1)
        selected, normal, _, selected_aps, aps = found
        self.assertTrue(normal.success and aps.success)
        used, its_coins = (aps, selected_aps) if aps.used else (normal, selected)
        self.assertEqual(used.fee, fee)
        logged = re.findall(r"Fee non-grouped = (\d+), grouped = (\d+), using (non-grouped|grouped)", self.alice.debug_log())[-1]
        self.assertEqual((str(normal.fee), str(aps.fee), "grouped" if aps.used else "non-grouped"), logged)
        inputs = 0
        for each in tx["decoded"]["vin"]:
            source = self.wallet("gettransaction", each["txid"], True, True)["decoded"]
            inputs += satoshi(source["vout"][each["vout"]]["value"])
        self.assertEqual(its_coins.selected, inputs)
        self.assertGreaterEqual(its_coins.target, satoshi(harness.decimal.Decimal("2.5")))
        self.assertLessEqual(its_coins.target, inputs)
        self.assertIn(its_coins.algorithm, {"bnb", "cg", "knapsack", "srd"})
        outputs = [satoshi(each["value"]) for each in tx["decoded"]["vout"]]
        if used.change_position >= 0:
            self.assertEqual(outputs[used.change_position], inputs - fee - 250_000_000)
        self.check_entry(self.one("mempool:added", txid=txid), {"vsize": tx["decoded"]["vsize"], "fees": {"base": -tx["fee"]}})

    def test_wallet_without_enough(self):
        with self.assertRaises(RpcError):
            self.wallet("sendtoaddress", self.address, "20999999")
        event = self.one("coin_selection:normal_create_tx_internal")
        self.assertEqual((event.wallet, event.success, event.fee, event.change_position), (WALLET, False, 0, -1))

    def test_coins(self):
        coin = self.coins()[0]
        spending = self.alice.rpc("sendrawtransaction", self.spend(coin, 1000))
        tip, = self.mine()
        block = self.check_block(self.one("validation:block_connected", block_hash=tip))
        coinbase = block["tx"][0]
        self.assertEqual(coinbase["vout"][1]["value"], 0)  # the witness commitment, not spendable: no coin
        added = self.wait("utxocache:add", txid=coinbase["txid"])
        self.assertEqual({(event.index, event.height, event.value, event.is_coinbase) for event in added},
                         {(0, block["height"], satoshi(coinbase["vout"][0]["value"]), True)})
        added = self.wait("utxocache:add", txid=spending)
        self.assertIn((0, block["height"], satoshi(coin["amount"]) - 1000, False), {(event.index, event.height, event.value, event.is_coinbase) for event in added})
        made_at = block["height"] - coin["confirmations"]
        spent = self.wait("utxocache:spent", txid=coin["txid"])
        self.assertEqual({(event.index, event.height, event.value, event.is_coinbase) for event in spent}, {(coin["vout"], made_at, satoshi(coin["amount"]), True)})

    def test_flush(self):
        before = time.monotonic_ns()
        self.alice.rpc("gettxoutsetinfo")
        took_us = (time.monotonic_ns() - before) // 1000
        event = self.one("utxocache:flush")
        self.assertIn(event.mode, {"FORCE_SYNC", "FORCE_FLUSH"})  # which of them has changed between releases
        self.assertIs(event.for_prune, False)
        self.assertTrue(0 < event.duration <= took_us, event)
        self.assertGreater(event.memory, event.coins * 40)
        # every coin of this short chain is in the cache
        self.assertGreaterEqual(event.coins, self.alice.rpc("gettxoutsetinfo")["txouts"])

    def test_restart_flushes_and_uncaches(self):
        self.mine()
        coin = self.coins()[0]
        height = self.alice.rpc("getblockcount") + 1 - coin["confirmations"]
        free = self.spend(coin, 0)  # now: signing takes the coin into the cache
        first_life = self.alice.pid
        before = self.log.mark()
        self.alice.stop()
        self.log.wait_for("coretap:node_gone", pids={first_life})
        flushes = self.log.events("utxocache:flush", pids={first_life}, since=before)
        self.assertTrue(flushes)
        self.assertEqual({event.mode for event in flushes}, {"FORCE_FLUSH"})
        self.assertGreater(flushes[0].coins, BLOCKS)

        # A transaction that is turned down does not leave its coins in the now empty cache.
        self.alice.start()
        before = self.log.mark()
        verdict, = self.alice.rpc("testmempoolaccept", [free])
        rejected, = self.wait("mempool:rejected", txid=verdict["txid"])
        uncached = self.log.events("utxocache:uncache", pids={self.alice.pid}, since=before)
        self.assertEqual([(event.txid, event.index, event.height, event.value, event.is_coinbase) for event in uncached],
                         [(coin["txid"], coin["vout"], height, satoshi(coin["amount"]), True)])
        self.assertLess(uncached[0].mono_ns, rejected.mono_ns)


if __name__ == "__main__":
    harness.main()
