#!/usr/bin/env python3
"""Each bad day has a message that says what, why and what to do, and its exit status."""
import os
import shutil
import signal
import subprocess

import harness
from harness import Case, Sim, Tap

AS_NOBODY = ("setpriv", "--reuid", str(harness.NOBODY), "--regid", str(harness.NOBODY), "--clear-groups", "--inh-caps=-all", "--ambient-caps=-all")


class BadDays(Case):
    def expect(self, status, pattern, *args, **more):
        result = self.run_coretap(*args, **more)
        self.assertEqual(result.returncode, status, f"coretap {' '.join(args)}: {result.stderr}")
        self.assertRegex(result.stderr, r"\A(coretap: .*\n)*coretap: ")
        self.assertRegex(result.stderr, pattern)
        self.assertEqual(result.stdout, "")
        return result

    def test_no_node(self):
        binary = self.sim_copy()
        self.expect(4, "no process runs " + binary, "log", "--binary", binary, "--no-wait")
        Sim(self, binary, "--scenario", "idle", "--datadir", self.path("other"))
        self.expect(4, "no node with data directory /nowhere", "log", "--datadir", "/nowhere", "--no-wait")
        self.expect(4, "there is no file", "log", "--binary", self.path("none"), "--no-wait")

    def test_no_node_is_waited_for(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        self.assertRegex(tap.wait_err("no process runs.*").group(0), "waiting for it to start")
        sim = Sim(self, binary, "--scenario", "restart-hello").expect(0)
        tap.stop()
        self.assertGreater(len(tap.probes(sim.node_pid)), 0)

    def test_no_such_pid(self):
        process = subprocess.Popen(["true"])
        process.wait()
        self.expect(4, f"no process {process.pid}", "log", "--pid", str(process.pid))

    def test_a_binary_without_tracepoints(self):
        self.expect(4, "carries no tracepoints.*WITH_USDT", "log", "--binary", "/bin/true")
        sleeper = subprocess.Popen(["sleep", "100"])
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        self.expect(4, "carries no tracepoints", "log", "--pid", str(sleeper.pid))
        self.expect(4, "coretap: .", "log", "--pid", "2")  # a kernel thread

    def test_what_is_no_executable(self):
        self.expect(4, "ELF|executable", "log", "--binary", self.write("text", "no program\n"))
        self.expect(4, "ELF|executable|empty", "log", "--binary", self.write("empty", ""))
        shutil.copyfile(harness.SIM, self.path("torn"))
        os.truncate(self.path("torn"), 5000)
        result = self.run_coretap("log", "--binary", self.path("torn"))
        self.assertEqual(result.returncode, 4, result.stderr)
        result = self.run_coretap("log", "--binary", self.directory)
        self.assertIn(result.returncode, (1, 4), result.stderr)

    def test_not_enough_privilege(self):
        binary = self.sim_copy()
        result = self.expect(3, "CAP_BPF", "log", "--binary", binary, "--check", prefix=AS_NOBODY)
        self.assertIn("coretap doctor", result.stderr)

    def test_another_users_process_without_privilege(self):
        sim = Sim(self, self.sim_copy(), "--scenario", "idle")
        self.expect(3, "CAP_", "log", "--pid", str(sim.node_pid), prefix=AS_NOBODY)

    def test_a_pid_that_dies_during_attach(self):
        binary = self.sim_copy()
        for i in range(12):
            sim = Sim(self, binary, "--scenario", "idle")
            tap = Tap(self, "--pid", str(sim.node_pid), attached=False)
            harness.time.sleep(i * 0.01 * harness.SLOW)  # anywhere between its start and its being ready
            sim.kill()
            status = tap.wait()
            self.assertIn(status, (0, 4), tap.err())
            self.assertIn(str(sim.node_pid), tap.err())

    def test_no_such_user(self):
        self.expect(2, "there is no user nosuchuser.*--user", "log", "--binary", self.sim_copy(), "--user", "nosuchuser")

    def test_the_stand_in_takes_its_epoch_from_us_or_from_the_user(self):
        for args in ("--scenario every", "--scenario every --epoch 1750000000", "--scenario every --epoch=now"):
            result = self.run_coretap("log", "--sim", "--sim-args", args)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertGreater(len(result.stdout.splitlines()), 10)

    def test_command_lines_that_make_no_sense(self):
        for args in (["lgo"], ["log", "--nosuch"], ["log", "extra"], ["log", "--pid", "x"], ["log", "--pid", "-1"], ["log", "--pid", "0"],
                     ["log", "--pid", "99999999999999999999"], ["log", "--pid", "1", "--binary", "/bin/true"], ["log", "--binary"],
                     ["log", "--binary", "/x", "--datadir", "/y"], ["log", "--msg", "nosuch"], ["log", "--count", "1e3"], ["log", "--duration", "-1s"],
                     ["log", "--duration", "5 parsecs"], ["probes", "--nosuch"], ["doctor", "--pid", "none"], ["log", "--color", "sometimes"]):
            with self.subTest(" ".join(args)):
                self.expect(2, "coretap: .", *args)

    def test_help_and_version(self):
        for args in ([], ["--help"], ["log", "--help"], ["probes", "--help"], ["doctor", "--help"], ["--version"]):
            result = self.run_coretap(*args)
            self.assertEqual((result.returncode, result.stderr), (0, ""), args)
            self.assertIn("coretap", result.stdout)
            if "--help" in args:
                self.assertIn("Examples:", result.stdout)

    def test_simulators_own_bad_days(self):
        for args, status in ((["--scenario", "nosuch"], 2), (["--wait-for", "no:such"], 2), (["--rate", "x"], 2), (["--scenario", "every", "--threads", "2"], 2),
                             (["--wait-attached", "--wait-timeout", "50ms"], 1), (["--log-fired", "/nowhere/x"], 1)):
            result = subprocess.run([self.sim_copy(), *args], capture_output=True, text=True, timeout=harness.PATIENCE)
            self.assertEqual(result.returncode, status, f"{args}: {result.stderr}")
            self.assertNotEqual(result.stderr, "")

    def test_a_stand_in_that_does_not_start(self):
        result = self.run_coretap("log", "--sim", "--sim-args", "--scenario nosuch")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertRegex(result.stderr, r"the stand-in node ended with status 2; `.*coretap-sim --scenario nosuch` says why")

    def test_a_node_that_is_stopped(self):
        """A node in a debugger, or frozen: attaching does not wait for it, and neither does the end."""
        binary = self.sim_copy()
        sim = Sim(self, binary, "--scenario", "idle").send(signal.SIGSTOP)
        tap = Tap(self, "--pid", str(sim.node_pid))
        tap.stop()
        sim.send(signal.SIGCONT).send(signal.SIGTERM).expect(0)


if __name__ == "__main__":
    harness.main()
