#!/usr/bin/env python3
"""What runs with which privileges, and which are needed at all."""
import os
import signal

import harness
from harness import Case, Sim, Tap, status_of

HELLO = ("--scenario", "restart-hello", "--wait-attached", "--settle", "300ms")


def with_caps(*capabilities, uid=12345):
    """As a user with these capabilities and no others."""
    keep = ",".join("+" + name for name in capabilities)
    return ("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--bounding-set", "-all" + ("," + keep if keep else ""),
            "--inh-caps", "-all" + ("," + keep if keep else ""), "--ambient-caps", "-all" + ("," + keep if keep else ""), "--no-new-privs")


class Privileges(Case):
    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o777)

    def test_the_reader_has_none(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        attacher = tap.attacher()
        reader = status_of(tap.pid)
        self.assertEqual(set(reader["Uid"].split()), {str(harness.NOBODY)})
        self.assertEqual(len(set(reader["Gid"].split())), 1)
        self.assertNotEqual(reader["Gid"].split()[0], "0")
        self.assertEqual(reader["Groups"].split(), [])
        for kind in "CapEff", "CapPrm", "CapInh", "CapAmb":
            self.assertEqual(int(reader[kind], 16), 0, kind)
        self.assertEqual(reader["NoNewPrivs"].strip(), "1")
        self.assertEqual(status_of(attacher)["Uid"].split()[0], "0")
        # and all that works: reading, restarts, upgrades
        for upgrades in range(2):
            sim = Sim(self, binary, "--scenario", "restart-hello").expect(0)
            tap.wait_event(lambda event: event["event"].startswith("net:") and event["pid"] == sim.node_pid)
            os.rename(self.sim_copy(name="new"), binary)
            tap.wait_err("attached to", upgrades + 2)
        tap.stop()

    def test_the_reader_holds_no_descriptor_that_could_change_anything(self):
        tap = Tap(self, binary=self.sim_copy())
        held = set()
        for fd in os.listdir(f"/proc/{tap.pid}/fd"):
            target = os.readlink(f"/proc/{tap.pid}/fd/{fd}")
            if "bpf" in target or "perf" in target:
                held.add(target)
        self.assertFalse([name for name in held if "prog" in name or "link" in name or "perf" in name], held)
        tap.stop()

    def test_another_user_by_name_and_number(self):
        for user, uid in ("daemon", None), ("4711", 4711):
            tap = Tap(self, "--user", user, binary=self.sim_copy(name=f"node-{user}"))
            got = int(status_of(tap.pid)["Uid"].split()[0])
            self.assertEqual(got, uid if uid is not None else __import__("pwd").getpwnam(user).pw_uid)
            tap.stop()

    def test_staying_root_on_demand(self):
        tap = Tap(self, "--user", "-", binary=self.sim_copy())
        self.assertEqual(status_of(tap.pid)["Uid"].split()[0], "0")
        self.assertEqual(status_of(tap.pid)["NoNewPrivs"].strip(), "1")
        tap.stop()

    def traced_with(self, *capabilities, own=False, uid=12345, by="--pid"):
        """Trace a process with these capabilities only; returns (status, number of events, stderr)."""
        binary = self.sim_copy(name=self.fresh("node"))
        owner = uid if own else 23456
        sim = Sim(self, binary, *HELLO, "--wait-timeout", f"{int(2000 * harness.SLOW)}ms", prefix=("setpriv", "--reuid", str(owner), "--regid", str(owner), "--clear-groups"))
        tap = Tap(self, by, str(sim.node_pid) if by == "--pid" else binary, prefix=with_caps(*capabilities, uid=uid), attached=False)
        try:
            tap.wait_err(r"attached to \d+ tracepoints", patience=5 * harness.SLOW)
        except AssertionError:
            sim.kill()
            return (tap.stop() if tap.process.poll() is None else tap.process.returncode), 0, tap.err()
        sim.wait()
        if tap.process.poll() is None:
            tap.send(signal.SIGINT)
        return tap.wait(), len(tap.probes(sim.node_pid)), tap.err()

    def test_ones_own_process_needs_bpf_and_perfmon(self):
        status, events, err = self.traced_with("bpf", "perfmon", own=True)
        self.assertEqual(status, 0, err)
        self.assertGreater(events, 0)

    def test_another_users_process_by_pid_needs_sys_ptrace_too(self):
        status, events, err = self.traced_with("bpf", "perfmon")
        self.assertEqual((status, events), (3, 0), err)
        self.assertIn("CAP_SYS_PTRACE", err)
        status, events, err = self.traced_with("bpf", "perfmon", "sys_ptrace")
        self.assertEqual(status, 0, err)
        self.assertGreater(events, 0)

    def test_another_users_process_by_its_binary_needs_nothing_more(self):
        status, events, err = self.traced_with("bpf", "perfmon", by="--binary")
        self.assertEqual(status, 0, err)
        self.assertGreater(events, 0)

    def test_each_of_the_two_is_needed(self):
        for capabilities in ("bpf",), ("perfmon",), ():
            with self.subTest(capabilities):
                status, events, err = self.traced_with(*capabilities, own=True)
                self.assertEqual((status, events), (3, 0), err)
                self.assertIn("CAP_", err)

    def test_the_reader_keeps_no_capability_that_it_was_started_with(self):
        tap = Tap(self, binary=self.sim_copy(), prefix=with_caps("bpf", "perfmon"))
        reader = status_of(tap.pid)
        self.assertEqual({kind: int(reader[kind], 16) for kind in ("CapEff", "CapPrm", "CapAmb")}, {"CapEff": 0, "CapPrm": 0, "CapAmb": 0})
        self.assertEqual(reader["NoNewPrivs"].strip(), "1")
        tap.stop()


if __name__ == "__main__":
    harness.main()
