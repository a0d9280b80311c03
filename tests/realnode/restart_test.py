"""A node that stops, dies, is upgraded, and starts again is followed: not even the first message of a new life is missed."""
import os
import shutil

import harness
from harness import Peer, wait_until


class Restart(harness.TestCase):
    def greeted(self, node):
        """Wait until this life of the node has said hello; its first messages."""
        node_events = {"pids": {node.pid}}
        self.log.wait_for("net:outbound_message", msg_type="verack", **node_events)
        return [event.msg_type for event in self.log.events("net:outbound_message", **node_events)]

    def finish(self, *nodes):
        for node in nodes:
            node.stop()
            self.log.wait_for("coretap:node_gone", pids={node.pid})
        self.log.stop()
        for node in nodes:
            self.check_stream(self.log, node)

    def test_stopped_and_killed(self):
        self.log = self.tap()
        alice = self.node("alice", "-v2transport=0", listen=True).start()
        bob = self.node("bob", "-v2transport=0", f"-connect={alice.address}").start()
        self.assertEqual(self.greeted(bob)[0], "version")
        bob.stop()
        bob.spawn()  # at once: coretap may still be busy with the first life's end
        self.assertEqual(self.greeted(bob)[0], "version")
        wait_until(lambda: [peer for peer in alice.peers() if "pong" in peer["bytesrecv_per_msg"]], "the handshake is done")
        bob.kill()
        self.log.wait_for("coretap:node_gone", pids={bob.pid})
        bob.spawn()
        self.assertEqual(self.greeted(bob)[0], "version")
        self.assertEqual(len(set(bob.pids)), 3)
        self.finish(bob, alice)
        for pid in bob.pids:
            life = [event.name for event in self.log.events("coretap:node_found", "coretap:node_gone", pids={pid})]
            self.assertEqual(life, ["coretap:node_found", "coretap:node_gone"])
        lives = [self.log.events("coretap:node_found", pids={pid})[0] for pid in bob.pids]
        self.assertEqual({found.args["label"] for found in lives}, {bob.label})
        self.assertEqual(len({found.build_id for found in lives}), 1)
        self.assertEqual(len(self.log.said("attached to")), 1, "one attachment serves every life")
        self.check_captures(self.log, alice)
        # bob's second life was cut short between capturing and firing, perhaps: of it, only what is sure
        captured = sum(len(messages) for messages in bob.captured("out").values())
        logged = len(self.log.events("net:outbound_message", pids=set(bob.pids)))
        self.assertLessEqual(captured - logged, 1)
        self.assertGreaterEqual(captured, logged)

    def test_upgraded(self):
        folder = os.path.join(self.node("binaries").datadir)  # cleaned up with that node, which is never started
        path = os.path.join(folder, "bitcoind-upgraded")
        shutil.copy(harness.BITCOIND, path)
        self.log = self.tap(binary=path)
        alice = self.node("alice", "-v2transport=0", binary=path, listen=True).start()
        with Peer(alice.port):
            self.greeted(alice)
        # as a package manager does: a new file takes the place while the old one runs
        shutil.copy(harness.BITCOIND, path + ".new")
        with open(path + ".new", "ab") as file:
            file.write(b"the new release")
        os.rename(path + ".new", path)
        self.log.wait_for_words("attached to", times=2)
        before = self.log.mark()
        with Peer(alice.port):  # the old life is still followed
            self.log.wait_for("net:inbound_message", msg_type="verack", pids={alice.pid}, since=before)
        alice.stop()
        alice.start()
        with Peer(alice.port):
            self.assertEqual(self.greeted(alice)[0], "version")
        wait_until(lambda: self.log.said("let go of .*deleted"), "coretap lets go of the old file")

        # and once more, started at once, so that it is the node that comes first or the notice of its file
        alice.stop()
        shutil.copy(harness.BITCOIND, path + ".new")
        os.rename(path + ".new", path)
        alice.start()
        with Peer(alice.port):
            self.assertEqual(self.greeted(alice)[0], "version")
        self.finish(alice)
        self.check_captures(self.log, alice)
        self.assertEqual(len(self.log.said("attached to")), 3, self.log.words)
        self.assertEqual(len(self.log.events("coretap:node_found", pids=set(alice.pids))), 3)


if __name__ == "__main__":
    harness.main()
