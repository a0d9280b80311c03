#!/usr/bin/env python3
"""coretap probes and coretap doctor, as scripts use them."""
import json
import shutil

import harness
from harness import SIM, SIM_2023, Case, Sim


class Probes(Case):
    def probes(self, *args, status=0):
        result = self.run_coretap("probes", *args)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def test_both_layouts_match(self):
        for path in SIM, SIM_2023:
            report = json.loads(self.probes(path, "--json").stdout)
            text = json.dumps(report)
            for name in harness.TRACEPOINTS:
                provider, tracepoint = name.split(":")
                self.assertTrue(f'"{name}"' in text or f'"{tracepoint}"' in text and f'"{provider}"' in text, name)

    def test_strict_refuses_what_is_not_in_the_catalogue(self):
        self.assertIn("simnode:demo", self.probes(SIM, "--strict", status=5).stdout)
        config = self.write("demo.toml", harness.DEMO_CONFIG)
        self.probes(SIM, "--strict", "--config", config)

    def test_changed_interface_is_noticed(self):
        with open(SIM, "rb") as file:
            data = bytearray(file.read())
        at = data.index(b"mempool\0added\0") + len(b"mempool\0added\0")
        end = data.index(b"\0", at)
        spec = bytes(data[at:end])
        self.assertIn(b"-4@", spec)
        data[at:end] = spec.replace(b"-4@", b"-2@", 1)  # an int that became a short
        changed = self.path("changed")
        with open(changed, "wb") as file:
            file.write(data)
        result = self.probes(changed, status=5)
        self.assertIn("mempool:added", result.stdout)
        # and tracing does without it, and says so
        binary = changed
        harness.os.chmod(binary, 0o755)
        tap = harness.Tap(self, binary=binary)
        sim = Sim(self, binary, "--scenario", "every").expect(0)
        tap.stop()
        self.assertIn("mempool:added has other arguments", tap.err())
        self.assertEqual(tap.events("mempool:added"), [])
        self.assertGreater(len(tap.events("mempool:removed")), 0)

    def test_of_a_process(self):
        sim = Sim(self, self.sim_copy(), "--scenario", "idle")
        self.assertIn("net:inbound_message", self.probes("--pid", str(sim.node_pid)).stdout)

    def test_no_tracepoints(self):
        self.assertIn("/bin/true", self.probes("/bin/true", status=4).stderr + self.probes("/bin/true", status=4).stdout)
        self.probes(self.path("none"), status=4)

    def test_a_file_without_read_permission_or_sense(self):
        self.probes(self.write("text", "hello\n"), status=4)


class Doctor(Case):
    def test_usable_here(self):
        result = self.run_coretap("doctor", "--json")
        report = json.loads(result.stdout)
        self.assertTrue(report["usable"], result.stdout)
        self.assertEqual(result.returncode, 0)

    def test_of_a_process(self):
        sim = Sim(self, self.sim_copy(), "--scenario", "idle")
        result = self.run_coretap("doctor", "--json", "--pid", str(sim.node_pid))
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertTrue(json.loads(result.stdout)["usable"])
        sleeper = harness.Program(self, ["sleep", "100"], "sleep")
        result = self.run_coretap("doctor", "--pid", str(sleeper.pid))
        self.assertEqual(result.returncode, 4, result.stdout)

    def test_without_privilege(self):
        nobody = ("setpriv", "--reuid", str(harness.NOBODY), "--regid", str(harness.NOBODY), "--clear-groups", "--inh-caps=-all")
        result = self.run_coretap("doctor", "--json", prefix=nobody)
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        self.assertFalse(json.loads(result.stdout)["usable"])

    def test_text(self):
        result = self.run_coretap("doctor")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertNotIn("\x1b", result.stdout)


if __name__ == "__main__":
    harness.main()
