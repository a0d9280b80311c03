#!/usr/bin/env python3
"""A recording, fired again through the stand-in's probes and traced again: the same events, with the same arguments."""
import json
import os

import harness
from harness import Case, brief

EVERY = "--scenario every"


class Replay(Case):
    def coretap_lines(self, *args):
        """Events of `coretap log --json`, without coretap's own."""
        result = self.run_coretap("log", "--json", *args, patience=3 * harness.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        events = [json.loads(line) for line in result.stdout.splitlines()]
        return [event for event in events if not event["event"].startswith("coretap:")]

    def record(self, sim_args, *args):
        path = self.path(self.fresh("recording") + ".ctap")
        result = self.run_coretap("record", path, "--sim", "--sim-args", sim_args, *args, patience=3 * harness.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(os.path.getsize(path), 0)
        return path

    def compare(self, recorded, replayed):
        self.assertTrue(recorded)
        self.assertEqual([event["event"] for event in replayed], [event["event"] for event in recorded], "names, in order")
        wrong = []
        for old, new in zip(recorded, replayed):
            expected = dict(old["args"])
            if "payload" in expected and expected["payload"] is not None:
                # what was not captured then are zeros now
                expected["payload"] = expected["payload"].ljust(2 * expected["size"], "0")
            if (new["args"], new.get("cut", []), new.get("faults", [])) != (expected, old.get("cut", []), old.get("faults", [])):
                wrong.append(f"recorded {brief(old)}, replayed {brief(new)}")
        self.assertFalse(wrong, "\n".join(wrong[:10]))

    def test_every_argument_comes_again(self):
        # the file is root's, in a folder that is root's: the stand-in, which is nobody, gets it by descriptor
        path = self.record(EVERY)
        self.assertEqual(os.stat(path).st_mode & 0o077, 0)
        recorded = self.coretap_lines("--payload", "all", "--from", path)
        self.assertGreater(len({event["event"] for event in recorded}), 15, "what the scenario is for")
        self.assertTrue(any(event.get("cut") for event in recorded))
        for args in (f"--replay {path} --speed max", f"-replay={path} --rate 0"):
            self.compare(recorded, self.coretap_lines("--payload", "all", "--sim", "--sim-args", args))

    def test_what_nobody_could_read_faults_again(self):
        path = self.record("--scenario faults")
        recorded = [event for event in self.coretap_lines("--payload", "all", "--from", path) if not event["event"].startswith("net:inbound_m")]
        replayed = [event for event in self.coretap_lines("--payload", "all", "--sim", "--sim-args", f"--replay {path} --speed max")
                    if not event["event"].startswith("net:inbound_m")]
        self.assertEqual([event["event"] for event in replayed], [event["event"] for event in recorded])
        self.assertEqual([event.get("faults") for event in replayed], [event.get("faults") for event in recorded])
        self.assertTrue(any(event.get("faults") for event in recorded))

    def test_the_stand_in_counts_what_it_fired(self):
        path = self.record("--scenario mainnet --rate 0 --count 3000")
        tap, sim = self.trace_run(("--replay", path, "--speed", "max"), ("--payload", "all", "--enable", harness.HOT))
        result = sim.result()
        left_out = sum(count for reasons in result["not_replayed"].values() for count in reasons.values())
        self.assertEqual(result["recorded"], sum(result["calls"].values()) + left_out)
        self.assertEqual(result["scenario"], "replay")
        self.assertTrue(all(name.startswith("coretap:") for name in result["not_replayed"]), result["not_replayed"])
        self.check_ledger(tap, result["fired"])
        self.compare(self.coretap_lines("--payload", "all", "--from", path), tap.probes(sim.node_pid))

    def test_peers_of_several_nodes_stay_apart(self):
        """Both have peers 1, 2, 3 of their own, and all of it comes from one process."""
        paths = [self.record(f"--scenario mainnet --rate 0 --count 2000 --seed {seed}") for seed in (1, 2)]
        pids, recorded = [], []
        for event in self.coretap_lines("--from", paths[0], "--from", paths[1]):
            if event["pid"] not in pids:
                pids.append(event["pid"])
            if "peer_id" in event["args"]:
                event["args"]["peer_id"] += 1_000_000_000 * pids.index(event["pid"])
            recorded.append(event)
        self.assertEqual(len(pids), 2)
        args = " ".join(f"--replay {path}" for path in paths)
        self.compare(recorded, self.coretap_lines("--sim", "--sim-args", f"{args} --speed max"))

    def test_recordings_that_are_none(self):
        missing = self.run_coretap("log", "--sim", "--sim-args", "--replay /nowhere/at.all")
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("cannot open the recording /nowhere/at.all: No such file or directory", missing.stderr)
        text = self.write("text", "no recording")
        harness.Sim(self, harness.SIM, "--replay", text, ready=False).expect(1)
        harness.Sim(self, harness.SIM, "--replay", text, "--scenario", "every", ready=False).expect(2)


if __name__ == "__main__":
    harness.main()
