#!/usr/bin/env python3
"""Nodes that are not simply there: in another mount namespace, deleted, another user's."""
import os

import harness
from harness import Case, Sim, Tap, expected_of

HELLO = ("--scenario", "restart-hello", "--wait-attached", "--settle", "300ms")


class Elsewhere(Case):
    def check_traced(self, tap, sim):
        sim.expect(0)
        tap.stop()
        self.assertEqual([(event["event"], event["args"]) for event in tap.probes(sim.node_pid)],
                         [(line["event"], expected_of(line, lambda kind: 0)[0]) for line in sim.fired_log() if line["event"] not in harness.HOT])
        self.assertGreater(len(tap.probes(sim.node_pid)), 0)

    def in_private_mount(self, *args):
        """A simulator on a tmpfs that only it can see."""
        self.sim_copy()
        os.mkdir(self.path("private"))
        script = f'mount -t tmpfs none {self.path("private")} && cp {self.path("node")} {self.path("private")}/bitcoind && exec {self.path("private")}/bitcoind "$@"'
        sim = Sim(self, "--", *HELLO, *args, prefix=("unshare", "--mount", "sh", "-c", script), log=True)
        self.assertEqual(os.listdir(self.path("private")), [], "cannot be seen from here")
        return sim

    def test_another_mount_namespace_by_pid(self):
        sim = self.in_private_mount()
        tap = Tap(self, "--pid", str(sim.node_pid))
        self.check_traced(tap, sim)
        self.assertEqual(tap.events("coretap:node_found")[0]["args"]["executable"], self.path("private/bitcoind"))

    def test_another_mount_namespace_by_discovery(self):
        sim = self.in_private_mount("--datadir", self.path("data"))
        tap = Tap(self, "--datadir", self.path("data"), attached=False)
        self.check_traced(tap, sim)

    def test_deleted_binary(self):
        binary = self.sim_copy()
        sim = Sim(self, binary, *HELLO, log=True)
        os.unlink(binary)
        tap = Tap(self, "--pid", str(sim.node_pid))
        self.check_traced(tap, sim)
        self.assertEqual(tap.events("coretap:node_found")[0]["args"]["executable"], binary)

    def test_deleted_while_attached(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sim = Sim(self, binary, *HELLO[:2], "--start-delay", "1500ms", log=True)
        tap.wait_named("coretap:node_found")
        os.unlink(binary)  # and coretap looks for what to let go of once a second
        self.check_traced(tap, sim)

    def test_another_users_process(self):
        binary = self.sim_copy()
        os.chmod(self.directory, 0o777)  # it writes its log there
        sim = Sim(self, binary, *HELLO, prefix=("setpriv", "--reuid", str(harness.NOBODY), "--regid", str(harness.NOBODY), "--clear-groups"), log=True)
        self.assertEqual(harness.status_of(sim.node_pid)["Uid"].split()[0], str(harness.NOBODY))
        tap = Tap(self, "--pid", str(sim.node_pid))
        self.check_traced(tap, sim)

    def test_another_pid_namespace(self):
        """A node in a container: events carry the pid that the host knows."""
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        sim = Sim(self, binary, "--scenario", "restart-hello", "--start-delay", "500ms", prefix=("unshare", "--pid", "--fork"), log=True)
        found = tap.wait_named("coretap:node_found")
        sim.expect(0)
        tap.stop()
        self.assertNotEqual(found["pid"], sim.node_pid)
        self.assertEqual({event["pid"] for event in tap.probes()}, {found["pid"]})
        self.assertEqual([event["event"] for event in tap.probes()], [line["event"] for line in sim.fired_log() if line["event"] not in harness.HOT])


if __name__ == "__main__":
    harness.main()
