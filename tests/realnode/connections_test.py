"""Connections: opened, closed, turned out, misbehaving; and messages no well-behaved node sends."""
import re

import harness
from harness import Peer, wait_until

CONNECTION_TYPES = ["outbound-full-relay", "block-relay-only", "addr-fetch", "feeler"]
LARGEST_MESSAGE = 4_000_000


class Connections(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = cls.tap()
        cls.alice = cls.node("alice", "-debug=net", "-v2transport=0", listen=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.alice.stop()
        cls.log.wait_for("coretap:node_gone", pids={cls.alice.pid})
        cls.log.stop()
        test = cls()
        test.check_stream(cls.log, cls.alice)
        test.check_captures(cls.log, cls.alice)

    def setUp(self):
        wait_until(lambda: not self.alice.peers(), "connections of the test before are closed")
        self.start = self.log.mark()

    def one(self, name, node=None, **args):
        found = self.log.wait_for(name, pids={(node or self.alice).pid}, since=self.start, **args)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def peer_info(self, peer):
        """getpeerinfo of the node about the test's peer."""
        return wait_until(lambda: next((info for info in self.alice.peers() if info["addr"] == peer.address), None), "the peer is connected")

    def check_connection(self, event, info):
        self.assertEqual((event.peer_id, event.addr, event.conn_type, event.network), (info["id"], info["addr"], info["connection_type"], info["network"]))

    def test_inbound_and_closed(self):
        with Peer(self.alice.port) as first, Peer(self.alice.onion_port) as second, Peer(self.alice.port) as third:
            infos = [self.peer_info(peer) for peer in (first, second, third)]
            opened = [self.one("net:inbound_connection", addr=peer.address) for peer in (first, second, third)]
            for event, info in zip(opened, infos):
                self.check_connection(event, info)
            self.assertEqual([event.connections for event in opened], [1, 2, 3])
            self.assertEqual([event.network for event in opened], ["not_publicly_routable", "onion", "not_publicly_routable"])
        for event, info in zip(opened, infos):
            closed = self.one("net:closed_connection", peer_id=info["id"])
            self.check_connection(closed, info)
            self.assertEqual(closed.connected_at, info["conntime"])
            self.assertGreater(closed.mono_ns, event.mono_ns)

    def test_outbound(self):
        bob = self.node("bob", "-v2transport=0").start()
        for number, kind in enumerate(CONNECTION_TYPES):
            with self.subTest(conn_type=kind):
                bob.rpc("addconnection", self.alice.address, kind, False)
                opened = self.one("net:outbound_connection", bob, conn_type=kind)
                self.assertEqual((opened.addr, opened.peer_id, opened.network), (self.alice.address, number, "not_publicly_routable"))
                version = self.one("net:outbound_message", bob, conn_type=kind, msg_type="version")
                self.assertEqual((version.peer_id, version.addr), (opened.peer_id, opened.addr))
                for info in bob.peers():  # a feeler is gone by itself, sooner or later
                    if info["id"] == opened.peer_id:
                        self.check_connection(opened, info)
                        self.assertEqual(opened.connections, len(bob.peers()))
                if kind != "feeler":
                    bob.rpc("disconnectnode", "", opened.peer_id)
                closed = self.one("net:closed_connection", bob, peer_id=opened.peer_id)
                self.assertEqual((closed.addr, closed.conn_type, closed.network), (opened.addr, opened.conn_type, opened.network))
                wait_until(lambda: not bob.peers(), "the connection is closed")
        bob.rpc("addnode", self.alice.address, "onetry")
        self.check_connection(self.one("net:outbound_connection", bob, conn_type="manual"), wait_until(bob.peers, "connected")[0])
        bob.stop()
        self.log.wait_for("coretap:node_gone", pids={bob.pid})
        self.check_stream(self.log, bob)
        self.check_captures(self.log, bob)

    def test_misbehaving(self):
        with Peer(self.alice.port) as peer:
            info = self.peer_info(peer)
            peer.send("headers", bytes.fromhex("fdd107"))  # says that 2001 headers follow
            event = self.one("net:misbehaving_connection")
            self.assertEqual(event.peer_id, info["id"])
            logged = wait_until(lambda: re.findall(r"Misbehaving: peer=(\d+): (.*)", self.alice.debug_log()), "the node's own log says so")
            self.assertEqual([(str(event.peer_id), event.reason)], logged)
            self.assertIn("2001", event.reason)
            peer.wait_closed()
        message = self.one("net:inbound_message", msg_type="headers")
        closed = self.one("net:closed_connection", peer_id=info["id"])
        self.assertTrue(message.mono_ns < event.mono_ns < closed.mono_ns)

    def test_unknown_types(self):
        """Types nobody knows, of all lengths and of characters that JSON has to escape."""
        types = ["x", "unknown-type", "\"quoted\\'<&>", "{\"a\":[1]}~", " "]
        self.assertEqual({len(name) for name in types} & {12}, {12})
        with Peer(self.alice.port) as peer:
            info = self.peer_info(peer)
            for number, name in enumerate(types):
                peer.send(name, bytes([number]) * number)
            for number, name in enumerate(types):
                event = self.one("net:inbound_message", msg_type=name)
                self.assertEqual((event.peer_id, event.addr, event.size, event.captured_payload), (info["id"], peer.address, number, bytes([number]) * number))
            self.assertEqual(self.peer_info(peer)["bytesrecv_per_msg"]["*other*"], sum(24 + number for number in range(len(types))))

    def test_largest_message(self):
        payload = bytes(range(256)) * (LARGEST_MESSAGE // 256)
        self.assertEqual(len(payload), LARGEST_MESSAGE)
        with Peer(self.alice.port) as peer:
            peer.send("largest", payload)
            event = self.one("net:inbound_message", msg_type="largest")
            self.assertEqual(event.size, LARGEST_MESSAGE)
            self.assertTrue(event.captured_payload == payload)  # not assertEqual, which would print it

    def test_eviction(self):
        """A node that is full closes an inbound connection to make room for another."""
        full = self.node("full", "-maxconnections=32", "-v2transport=0", listen=True).start()
        peers = []
        try:
            for _ in range(40):
                peers.append(Peer(full.port, handshake=False))
                if self.log.events("net:evicted_inbound_connection", pids={full.pid}):
                    break
                self.log.wait_for("net:inbound_connection", "net:evicted_inbound_connection", pids={full.pid}, addr=peers[-1].address)
            evicted = self.log.wait_for("net:evicted_inbound_connection", pids={full.pid})[0]
            opened = self.one("net:inbound_connection", full, peer_id=evicted.peer_id)
            closed = self.one("net:closed_connection", full, peer_id=evicted.peer_id)
            for event in (opened, closed):
                self.assertEqual((evicted.addr, evicted.conn_type, evicted.network), (event.addr, event.conn_type, event.network))
            self.assertEqual(evicted.connected_at, closed.connected_at)
            self.assertTrue(opened.mono_ns < evicted.mono_ns < closed.mono_ns)
            counts = [event.connections for event in self.log.events("net:inbound_connection", pids={full.pid})]
            self.assertEqual(counts[:21], list(range(1, 22)))
        finally:
            for peer in peers:
                peer.close()


if __name__ == "__main__":
    harness.main()
