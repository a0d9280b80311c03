"""The messages of two nodes that meet: equal to getpeerinfo, to the traffic counters, and to what the nodes captured."""
import collections
import time

import harness
from harness import wait_until

V1_HEADER = 24
FIRST = ["version", "wtxidrelay", "sendaddrv2", "verack"]
AFTER_VERACK = ["sendcmpct", "ping", "feefilter", "pong"]


def traffic(events, direction):
    """Message type -> bytes on the wire, with v1 transport."""
    total = collections.Counter()
    for event in events:
        if event.direction == direction:
            total[event.msg_type] += event.size + V1_HEADER
    return dict(total)


class TwoNodes(harness.TestCase):
    def connected(self):
        """Both nodes' view of the other, once each had an answer to its ping."""
        def look():
            views = [node.peers() for node in self.nodes]
            return views if all(len(view) == 1 and "pong" in view[0]["bytesrecv_per_msg"] for view in views) else None
        return [view[0] for view in wait_until(look, "the two nodes are connected")]

    def check_peer(self, node, peer):
        events = [event for event in self.log.events(pids={node.pid}) if event.direction]
        self.assertTrue(events)
        for event in events:
            self.assertEqual((event.peer_id, event.addr, event.conn_type), (peer["id"], peer["addr"], peer["connection_type"]), event)

    def exchange(self):
        """Traffic besides the handshake: pings, and two blocks."""
        alice, bob = self.nodes
        for node in self.nodes:
            before = self.log.mark()
            node.rpc("ping")
            self.log.wait_for("net:inbound_message", since=before, msg_type="pong", pids={node.pid})
        alice.rpc("generatetodescriptor", 2, "raw(51)#8lvh9jxk")  # outputs anyone can spend
        wait_until(lambda: bob.rpc("getblockcount") == alice.rpc("getblockcount"), "the blocks arrive")

    def check_pings(self):
        """A pong brings the nonce of a ping, later, and what one sends the other receives, later."""
        alice, bob = self.nodes
        for sender, receiver in ((alice, bob), (bob, alice)):
            sent = {event.captured_payload: event for event in self.log.events("net:outbound_message", pids={sender.pid}, msg_type="ping")}
            pongs = self.log.events("net:inbound_message", pids={sender.pid}, msg_type="pong")
            self.assertTrue(pongs)
            for pong in pongs:
                if pong.captured_payload not in sent:
                    continue  # sent before coretap was attached
                ping = sent[pong.captured_payload]
                arrival, = self.log.events("net:inbound_message", pids={receiver.pid}, msg_type="ping", payload=ping.payload)
                answer, = self.log.events("net:outbound_message", pids={receiver.pid}, msg_type="pong", payload=ping.payload)
                times = [event.mono_ns for event in (ping, arrival, answer, pong)]
                self.assertEqual(times, sorted(times))


class AttachedBefore(TwoNodes):
    """coretap waits for the nodes, and sees all of their lives. v1 transport: the overhead of a message is exactly its header."""

    how = ()

    @classmethod
    def setUpClass(cls):
        cls.log = cls.tap(*cls.how)
        alice = cls.node("alice", "-v2transport=0", listen=True).start()
        bob = cls.node("bob", "-v2transport=0", f"-connect={alice.address}").start()
        cls.nodes = (alice, bob)

    def test_messages(self):
        alice, bob = self.nodes
        views = self.connected()
        self.exchange()

        # The nodes' own counters, by message type
        def settled():
            for node in self.nodes:
                events = self.log.events(pids={node.pid})
                peer, = node.peers()
                counted = [{name: size for name, size in peer[key].items() if size} for key in ("bytesrecv_per_msg", "bytessent_per_msg")]
                logged = [traffic(events, direction) for direction in ("in", "out")]
                if counted != logged:
                    self.difference = f"{node.label} counted {counted}, logged {logged}"
                    return False
            return True
        wait_until(settled, lambda: self.difference)

        for node, peer in zip(self.nodes, views):
            with self.subTest(node=node.label):
                self.check_peer(node, peer)
        self.assertEqual([peer["connection_type"] for peer in views], ["inbound", "manual"])
        self.check_handshake(alice, bob)
        self.check_pings()

        bob.stop()
        alice.stop()
        for node in self.nodes:
            self.log.wait_for("coretap:node_gone", pids={node.pid})
        self.log.stop()
        self.assertEqual(len(self.log.said("attached to 18 tracepoints")), 1, self.log.words)
        for node in self.nodes:
            with self.subTest(node=node.label):
                self.check_stream(self.log, node)
                self.check_captures(self.log, node)

    def check_handshake(self, alice, bob):
        types = {}
        for node in self.nodes:
            for direction, name in (("in", "net:inbound_message"), ("out", "net:outbound_message")):
                types[node, direction] = seen = [event.msg_type for event in self.log.events(name, pids={node.pid})]
                self.assertEqual([each for each in seen if each in FIRST], FIRST, f"{node.label} {direction}: {seen}")
                self.assertEqual(seen[0], "version")
                for each in AFTER_VERACK:
                    self.assertIn(each, seen, f"{node.label} {direction}")
                    self.assertGreater(seen.index(each), seen.index("verack"), f"{node.label} {direction}: {seen}")
                self.assertTrue("getheaders" in seen or "headers" in seen, seen)
        # who connects speaks first
        first, = self.log.events("net:outbound_message", pids={bob.pid}, msg_type="version")
        arrival, = self.log.events("net:inbound_message", pids={alice.pid}, msg_type="version")
        reply, = self.log.events("net:outbound_message", pids={alice.pid}, msg_type="version")
        self.assertLess(first.mono_ns, arrival.mono_ns)
        self.assertLess(arrival.mono_ns, reply.mono_ns)
        self.assertEqual(first.payload, arrival.payload)
        self.assertIn(alice.peers()[0]["subver"].encode(), arrival.captured_payload)
        # the connection opens before the first message
        for node, name in ((alice, "net:inbound_connection"), (bob, "net:outbound_connection")):
            opened, = self.log.events(name, pids={node.pid})
            self.assertLess(opened.number, self.log.events("net:inbound_message", "net:outbound_message", pids={node.pid})[0].number)
        # all that one sends during the handshake the other receives, in that order
        for sender, receiver in ((alice, bob), (bob, alice)):
            self.assertEqual(types[sender, "out"][:len(FIRST)], types[receiver, "in"][:len(FIRST)])


class AttachedAsBeforeLinux66(AttachedBefore):
    how = ("--perf-uprobes",)


class AttachedAfter(TwoNodes):
    """coretap comes when the nodes are talking already. Transport as the nodes like it, v2."""

    @classmethod
    def setUpClass(cls):
        alice = cls.node("alice", listen=True).start()
        bob = cls.node("bob", f"-connect={alice.address}").start()
        cls.nodes = (alice, bob)

    def test_messages(self):
        views = self.connected()
        self.assertEqual({peer["transport_protocol_type"] for peer in views}, {"v2"})
        type(self).log = self.tap()
        attached_us = time.time_ns() // 1000
        for node in self.nodes:
            self.log.wait_for("coretap:node_found", pids={node.pid})
        self.exchange()
        for node, peer in zip(self.nodes, views):
            self.check_peer(node, peer)
            self.assertFalse(self.log.events(pids={node.pid}, msg_type="version"))
        self.check_pings()
        for node in reversed(self.nodes):
            node.stop()
            self.log.wait_for("coretap:node_gone", pids={node.pid})
        self.log.stop()
        for node in self.nodes:
            with self.subTest(node=node.label):
                self.check_stream(self.log, node)
                self.check_captures(self.log, node, attached_us)


class AttachedToBusyNode(harness.TestCase):
    """Between attaching and being told of the node, messages come already: they belong to it as the others do."""
    ATTEMPTS = 8

    def test_messages(self):
        alice = self.node("alice", "-v2transport=0", "-capturemessages=0", listen=True).start()
        with harness.Peer(alice.port) as peer, peer.pinging():
            for attempt in range(self.ATTEMPTS):
                with self.subTest(attempt=attempt):
                    log = self.tap()
                    log.wait_for("net:inbound_message", pids={alice.pid}, count=100)
                    log.wait_for("coretap:node_found", pids={alice.pid})
                    log.stop()
                    self.check_stream(log, alice)


if __name__ == "__main__":
    harness.main()
