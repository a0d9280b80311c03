#!/usr/bin/env python3
"""The node's binary is replaced, the good way and the bad way. A stale breakpoint would kill the next start."""
import os
import shutil
import subprocess

import harness
from harness import SIM, SIM_2023, Case, Sim, Tap, expected_of

HELLO = ("--scenario", "restart-hello")


class Upgrade(Case):
    def check_complete(self, tap, sim):
        result = sim.result()
        for name, calls in result["calls"].items():
            if name not in harness.HOT and name != "simnode:demo":
                self.assertEqual(result["fired"][name], calls, name)
        self.assertEqual([(event["event"], event["args"]) for event in tap.probes(sim.node_pid)],
                         [(line["event"], expected_of(line, lambda kind: 0)[0]) for line in sim.fired_log() if line["event"] not in harness.HOT])
        self.assertGreater(len(tap.probes(sim.node_pid)), 0)

    def kinds(self):
        for kind in (), ("--perf-uprobes",):
            with self.subTest("perf uprobes" if kind else "uprobe_multi"):
                self.work = f"node{len(kind)}"
                yield kind

    def test_renamed_over(self):
        for kind in self.kinds():
            binary = self.sim_copy(name=self.work)
            tap = Tap(self, *kind, binary=binary)
            old = Sim(self, binary, "--scenario", "idle")
            tap.wait_named("coretap:node_found")
            new = self.sim_copy(SIM_2023, name=self.work + ".new")
            os.rename(new, binary)
            tap.wait_err("attached to", 2)
            sim = Sim(self, binary, *HELLO, log=True).expect(0)
            old.send(harness.signal.SIGTERM).expect(0)
            tap.wait_err("let go of .*deleted")
            again = Sim(self, binary, *HELLO, log=True).expect(0)
            tap.stop()
            self.check_complete(tap, sim)
            self.check_complete(tap, again)
            ids = [event["args"]["build_id"] for event in tap.events("coretap:node_found")]
            self.assertEqual(len(set(ids)), 2, ids)

    def overwrite(self, command):
        for kind in self.kinds():
            binary = self.sim_copy(name=self.work)
            tap = Tap(self, *kind, binary=binary)
            first = Sim(self, binary, *HELLO, log=True).expect(0)
            for count, source in enumerate((SIM_2023, SIM), 2):
                subprocess.run(command, shell=True, check=True, timeout=harness.PATIENCE, env={**os.environ, "FROM": source, "TO": binary})
                tap.wait_err("let go of .*overwritten", count - 1)
                # at once, before coretap has attached again: it must live, whatever of it is seen
                at_once = Sim(self, binary, *HELLO).expect(0)
                self.assertGreater(sum(at_once.result()["calls"].values()), 0)
                tap.wait_err("attached to", count)
                sim = Sim(self, binary, *HELLO, log=True).expect(0)
                firings = sum(line["event"] not in harness.HOT for line in sim.fired_log())
                tap.wait_event(lambda event: event["pid"] == sim.node_pid and not event["event"].startswith("coretap:"), firings)
                self.check_complete(tap, sim)
            tap.stop()
            self.check_complete(tap, first)

    def test_overwritten_by_cp(self):
        self.overwrite('cp "$FROM" "$TO"')

    def test_overwritten_by_cat(self):
        self.overwrite('cat "$FROM" > "$TO"')

    def test_rewritten_slowly(self):
        """A copy over a slow network: nobody attaches to half a file."""
        for kind in self.kinds():
            binary = self.sim_copy(name=self.work)
            tap = Tap(self, *kind, binary=binary)
            with open(SIM_2023, "rb") as source, open(binary, "r+b") as target:
                target.truncate()
                size = os.path.getsize(SIM_2023) // 4 + 1
                while piece := source.read(size):
                    target.write(piece)
                    target.flush()
                    harness.time.sleep(0.4)
            tap.wait_err("let go of")
            tap.wait_err("attached to", 2)
            sim = Sim(self, binary, *HELLO, log=True).expect(0)
            tap.stop()
            self.check_complete(tap, sim)

    def test_rewritten_without_being_truncated(self):
        """As rsync --inplace does."""
        for kind in self.kinds():
            binary = self.sim_copy(name=self.work)
            tap = Tap(self, *kind, binary=binary)
            with open(binary, "r+b") as target, open(SIM_2023, "rb") as source:
                target.write(source.read())
                target.truncate()
            tap.wait_err("let go of .*overwritten")
            Sim(self, binary, *HELLO).expect(0)
            tap.wait_err("attached to", 2)
            sim = Sim(self, binary, *HELLO, log=True).expect(0)
            tap.stop()
            self.check_complete(tap, sim)

    def test_overwritten_by_what_is_no_node(self):
        binary = self.sim_copy()
        tap = Tap(self, binary=binary)
        shutil.copyfile("/bin/true", binary)
        tap.wait_err("let go of")
        subprocess.run([binary], check=True)
        shutil.copyfile(SIM, binary)
        tap.wait_err("attached to", 2)
        sim = Sim(self, binary, *HELLO, log=True).expect(0)
        tap.stop()
        self.check_complete(tap, sim)


if __name__ == "__main__":
    harness.main()
