"""`coretap probes` and `coretap doctor` about a real node."""
import json
import subprocess

import harness


def coretap(*args):
    return subprocess.run([harness.CORETAP, *args], capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)


class Commands(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.alice = cls.node("alice").start()

    def test_probes(self):
        for target in (harness.BITCOIND,), ("--pid", str(self.alice.pid)), ("--binary", harness.BITCOIND), ("--datadir", self.alice.datadir):
            with self.subTest(target=target):
                done = coretap("probes", "--json", "--strict", *target)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                report = json.loads(done.stdout)
                core = [each for each in report["tracepoints"] if each["origin"] == "core"]
                self.assertEqual([(each["name"], each["verdict"]) for each in core if each["verdict"] != "matches"], [])
                self.assertEqual(len(core), 20)
                self.assertEqual(report["summary"]["matches"], 20)
                self.assertGreaterEqual(report["summary"]["sites"], 20)
                self.assertTrue(all(site["semaphore"] for each in core for site in each["sites"]))
        text = coretap("probes", harness.BITCOIND)
        self.assertEqual(text.returncode, 0)
        self.assertIn("20 matches", text.stdout)

    def test_doctor_finds_the_node(self):
        for args in ("--no-self-test",), ("--pid", str(self.alice.pid)):
            with self.subTest(args=args):
                done = coretap("doctor", "--json", *args)
                report = json.loads(done.stdout)
                mine = [check for check in report["checks"] if check["what"].startswith(f"process {self.alice.pid} ")]
                self.assertTrue(mine, report)
                self.assertEqual(mine[0]["status"], "ok", mine)
                self.assertIn("20 of 20 tracepoints", mine[0]["found"])
                if "--pid" in args:  # without it, it also judges the nodes of others
                    self.assertEqual((done.returncode, report["usable"]), (0, True), report)

    def test_only_this_process(self):
        """Of two nodes that run the same binary, --pid and --datadir show one."""
        bob = self.node("bob", "-v2transport=0", listen=True).start()
        carol = self.node("carol", "-v2transport=0", f"-connect={bob.address}").start()
        harness.wait_until(lambda: all(peer["bytesrecv_per_msg"].get("pong") for peer in (bob.peers() or [{"bytesrecv_per_msg": {}}]) + carol.peers()),
                           "the first pings are answered")
        for target in ("--pid", str(bob.pid)), ("--datadir", bob.datadir):
            with self.subTest(target=target):
                process = subprocess.Popen([harness.CORETAP, "log", "--json", "--msg", "ping,pong", "--count", "4", "--duration", f"{harness.PATIENCE_S}s", *target],
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                words = ""
                while "attached to" not in words:
                    line = process.stderr.readline()
                    self.assertTrue(line, words)
                    words += line
                bob.rpc("ping")
                carol.rpc("ping")
                out, _ = process.communicate(timeout=2 * harness.PATIENCE_S)
                self.assertEqual(process.returncode, 0)
                events = [json.loads(line) for line in out.splitlines()]
                self.assertEqual(sorted(each["args"]["msg_type"] for each in events if not each["event"].startswith("coretap:")), ["ping", "ping", "pong", "pong"])
                self.assertEqual({(each["pid"], each["node"]) for each in events}, {(bob.pid, bob.label)})


if __name__ == "__main__":
    harness.main()
