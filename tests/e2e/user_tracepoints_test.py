#!/usr/bin/env python3
"""Tracepoints of one's own, described in a configuration file; and configurations that make no sense."""
import harness
from harness import Case, brief, expected_of

ROW = '[[tracepoint]]\nprovider = "simnode"\nname = "demo"\n'


class UserTracepoints(Case):
    def trace_demo(self, config, *more):
        tap, sim = self.trace_run(("--scenario", "every"), ("--config", self.write("coretap.toml", config), *more))
        return tap, sim, [line for line in sim.fired_log() if line["event"] == "simnode:demo"]

    def test_all_types(self):
        tap, sim, log = self.trace_demo(harness.DEMO_CONFIG, "--only", "simnode:demo")
        events = tap.probes(sim.node_pid)
        self.assertEqual(len(log), 3)
        self.assertEqual([event["event"] for event in events], ["simnode:demo"] * 3)
        for event, line in zip(events, log):
            args, cut = expected_of(line, bounds={"text": 100, "bytes": 1000})
            self.assertEqual((event["args"], event.get("cut", [])), (args, cut), brief(event))
        self.assertEqual(events[2]["cut"], ["text"])
        row = self.check_ledger(tap, sim.result()["fired"])["simnode:demo"]
        self.assertEqual((row["fired"], row["delivered"]), (3, 3))

    def test_bounds_of_ones_own(self):
        config = harness.DEMO_CONFIG.replace("max = 1000", "max = 7").replace("max = 100 ", "max = 3 ")
        tap, _, log = self.trace_demo(config, "--only", "simnode")
        for event, line in zip(tap.probes(), log):
            args, cut = expected_of(line, bounds={"text": 3, "bytes": 7})
            self.assertEqual((event["args"], event.get("cut", [])), (args, cut), brief(event))
        self.assertEqual([event.get("cut", []) for event in tap.probes()], [["text", "bytes"], [], ["text", "bytes"]])

    def test_fewer_arguments_than_the_probe_has_are_not_guessed_at(self):
        config = self.write("few.toml", ROW + 'args = [{ name = "counter", type = "uint64" }]\n')
        binary = self.sim_copy()
        tap = harness.Tap(self, "--config", config, binary=binary)
        sim = harness.Sim(self, binary, "--scenario", "every").expect(0)
        tap.stop()
        for event in tap.events("simnode:demo"):
            self.assertEqual(list(event["args"]), ["counter"])
        if not tap.events("simnode:demo"):
            self.assertRegex(tap.err(), "simnode:demo")
        self.assertGreater(len(tap.probes(sim.node_pid)), 100, "the others are traced all the same")

    def test_a_probe_the_binary_lacks_is_named(self):
        config = self.write("absent.toml", ROW.replace("demo", "nothere") + 'args = [{ name = "x", type = "uint64" }]\n')
        tap = harness.Tap(self, "--config", config, binary=self.sim_copy())
        tap.stop()
        self.assertIn("not in this binary: simnode:nothere", tap.err())

    def test_units_make_names(self):
        config = harness.DEMO_CONFIG.replace('type = "int32"', 'type = "int32", unit = "network"')
        tap, _, log = self.trace_demo(config, "--only", "simnode")
        self.assertEqual([event["args"]["number"] for event in tap.probes()], [line["args"]["number"] for line in log])

    def test_settings_of_the_file(self):
        config = '[trace]\nring = "256KiB"\nonly = ["mempool:added", "simnode"]\npayload = "all"\nuser = "-"\n' + harness.DEMO_CONFIG
        tap, _, _ = self.trace_demo(config)
        self.assertEqual({event["event"] for event in tap.probes()}, {"mempool:added", "simnode:demo"})

    def test_the_command_line_goes_before_the_file(self):
        config = '[trace]\nonly = ["mempool:added"]\n' + harness.DEMO_CONFIG
        tap, _, _ = self.trace_demo(config, "--only", "simnode")
        self.assertEqual({event["event"] for event in tap.probes()}, {"simnode:demo"})

    def test_wrong_configurations_say_where(self):
        arg = lambda text: ROW + "args = [\n  { " + text + " },\n]\n"
        wrong = {  # text -> where, what
            "not toml": ("this is = = wrong\n", r":1:\d+: ", "TOML"),
            "not toml, line 3": ("[trace]\n\nring = \n", r":3:\d+: ", "TOML"),
            "unknown key": ("[trace]\nrign = '1MiB'\n", r":2:1: ", "did you mean 'ring'"),
            "unknown table": ("[trance]\n", r":1:\d+: ", "trance"),
            "wrong type": ("[trace]\nring = 5\n", r":2:8: ", "string"),
            "no size": ("[trace]\nring = 'big'\n", r":2:8: ", "ring"),
            "unknown tracepoint": ("[trace]\nonly = ['net', 'mempool:aded']\n", r":2:16: ", "mempool:added"),
            "unknown provider": ("[trace]\nenable = ['nett:inbound_message']\n", r":2:11: ", "net"),
            "unknown payload type": ("[trace]\npayload = 'pingg=all'\n", r":2:11: ", "ping"),
            "no provider": ("[[tracepoint]]\nname = 'x'\n", r":1:\d+: ", "provider"),
            "no name": ("[[tracepoint]]\nprovider = 'x'\n", r":1:\d+: ", "name"),
            "bad provider": ("[[tracepoint]]\nprovider = 'a b'\nname = 'x'\n", r":2:12: ", "provider"),
            "coretap's provider": ("[[tracepoint]]\nprovider = 'coretap'\nname = 'x'\n", r":2:12: ", "coretap"),
            "already there": ("[[tracepoint]]\nprovider = 'net'\nname = 'inbound_message'\n", r":1:\d+: ", "net:inbound_message"),
            "twice": (ROW + ROW, r":4:\d+: ", "simnode:demo"),
            "unknown arg type": (arg("name = 'a', type = 'int33'"), r":5:\d+: ", "int32"),
            "arg without type": (arg("name = 'a'"), r":5:\d+: ", "type"),
            "length of nothing": (arg("name = 'a', type = 'bytes', length = 'b'"), r":5:\d+: ", "b"),
            "bytes without length": (arg("name = 'a', type = 'bytes'"), r":5:\d+: ", "length"),
            "too long": (arg("name = 'a', type = 'string', max = 100000"), r":5:\d+: ", "512"),
            "thirteen args": (ROW + "args = [" + ", ".join(f"{{ name = 'a{i}', type = 'int8' }}" for i in range(13)) + "]\n", r":4:\d+: ", "12"),
        }
        for name, (text, where, what) in wrong.items():
            with self.subTest(name):
                path = self.write("wrong.toml", text)
                result = self.run_coretap("log", "--config", path, "--check", "--binary", self.path("none"))
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertRegex(result.stderr, "^coretap: " + harness.re.escape(path) + where)
                self.assertIn(what, result.stderr)
                self.assertEqual(result.stdout, "")

    def test_no_such_file(self):
        result = self.run_coretap("log", "--config", self.path("none.toml"), "--check")
        self.assertIn(result.returncode, (2, 4), result.stderr)
        self.assertIn("none.toml", result.stderr)
        self.assertIn("No such file", result.stderr)

    def test_a_tracepoint_that_the_node_does_not_have(self):
        config = self.write("other.toml", '[[tracepoint]]\nprovider = "other"\nname = "thing"\nargs = [{ name = "a", type = "int32" }]\n')
        result = self.run_coretap("log", "--config", config, "--only", "other:thing", "--check", "--binary", self.sim_copy())
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("none of the tracepoints asked for", result.stderr)


if __name__ == "__main__":
    harness.main()
