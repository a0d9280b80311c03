#!/usr/bin/env python3
"""Recordings: what was seen live is seen again, whatever happened to the recorder, the disk or the file in between."""
import calendar
import json
import os
import re
import signal
import subprocess
import time

import harness
from harness import CORETAP, Case, Program, status_of, wait_until

#: everything the stand-in has
EVERYTHING = ("--enable", harness.HOT, "--payload", "all")


class RecordCase(Case):
    def record(self, name, sim_args, *args, status=0, **more):
        """Record the stand-in to its end; the path."""
        path = self.path(name)
        result = self.run_coretap("record", path, "--sim", "--sim-args", sim_args, "--stats", "0", *args, patience=3 * harness.PATIENCE, **more)
        self.assertEqual(result.returncode, status, result.stderr)
        return path

    def log(self, *args, status=0):
        result = self.run_coretap("log", *args, patience=3 * harness.PATIENCE)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def events(self, *args, status=0):
        """Events of recordings, coretap's own too."""
        return [json.loads(line) for line in self.log("--json", *args, status=status).stdout.splitlines()]

    def info(self, path, command="info", status=0):
        result = self.run_coretap(command, "--json", path)
        self.assertEqual(result.returncode, status, result.stderr)
        return json.loads(result.stdout)

    def recording(self, seconds=1, rate=2000):
        return self.record("some.ctap", f"--scenario mainnet --rate {rate} --duration {seconds}s --seed 7")


class Replays(RecordCase):
    def test_what_is_seen_again_is_what_was_seen(self):
        """Every tracepoint, extreme arguments: the same bytes, as text, decoded, and as JSON."""
        path = self.path("every.ctap")
        for show in (("--json",), ("--json", "--decode", "full"), ("--hex", "--color", "always"), ("--decode", "full", "--ascii")):
            live = self.log("--sim", "--sim-args", "--scenario every", *EVERYTHING, *show, "--record", path, "--overwrite")
            again = self.log("--from", path, "--payload", "all", *show)
            self.assertGreater(live.stdout.count("\n"), 20)
            self.assertEqual(live.stdout, again.stdout)
        through_replay = self.run_coretap("replay", path, "--speed", "max", "--payload", "all", *show)
        self.assertEqual(through_replay.stdout, live.stdout)

    def test_counts_are_those_of_the_node(self):
        path = self.path("mix.ctap")
        sim = self.sim_copy()
        recorder = Program(self, [CORETAP, "record", path, "--binary", sim, "--enable", harness.HOT], "record")
        recorder.wait_err(r"attached to \d+ tracepoints")
        fired = harness.Sim(self, sim, "--scenario", "mainnet", "--rate", harness.unhurried(20000), "--duration", "2s").expect(0).result()["fired"]
        recorder.send(signal.SIGINT).expect(0)
        info = self.info(path)
        counted = {name: amount["events"] for name, amount in info["by_tracepoint"].items() if not name.startswith("coretap:")}
        self.assertEqual(counted, {name: count for name, count in fired.items() if count and name != "simnode:demo"})
        self.assertTrue(info["ended_well"])
        self.assertEqual(info["lost"], {})
        self.assertEqual([node["executable"] for node in info["nodes"]], [sim])
        messages = sum(amount["events"] for side in ("messages_in", "messages_out") for amount in info[side].values())
        self.assertEqual(messages, fired["net:inbound_message"] + fired["net:outbound_message"])
        self.assertEqual(self.info(path, "verify")["events"], info["events"])
        self.assertEqual(len(self.events("--from", path)), info["events"])

    def test_info_is_for_people(self):
        text = self.run_coretap("info", self.recording()).stdout
        for pattern in (r"events +[\d,]+ in \d+\.\d s", "closed in order", "payloads +all", r"node +coretap-sim, pid \d+", "net:inbound_message", r"\n  inv "):
            self.assertRegex(text, pattern)

    def test_filters_and_times(self):
        path = self.recording(seconds=2)
        events = self.events("--from", path)
        probes = [event for event in events if not event["event"].startswith("coretap:")]
        only = lambda *args: [event for event in self.events("--from", path, *args) if not event["event"].startswith("coretap:")]
        self.assertEqual(only("--only", "mempool"), [event for event in probes if event["event"].startswith("mempool:")])
        self.assertEqual(only("--msg", "inv,tx", "--direction", "in"),
                         [event for event in probes if event["event"] == "net:inbound_message" and event["args"]["msg_type"] in ("inv", "tx")])
        middle, later = probes[len(probes) // 3]["ts"], probes[2 * len(probes) // 3]["ts"]
        self.assertEqual(only("--since", middle, "--until", later), [event for event in probes if middle <= event["ts"] < later])
        self.assertEqual(only("--until", middle), [event for event in probes if event["ts"] < middle])
        self.assertEqual(only("--since", later), [event for event in probes if event["ts"] >= later])
        # whoever comes in late is told which node it is all the same
        self.assertEqual({event["node"] for event in only("--since", middle)}, {"coretap-sim"})
        second = only("--since", "+1s")
        self.assertTrue(0 < len(second) < len(probes))
        self.assertEqual(second, probes[-len(second):])
        self.assertEqual(len(only("--count", "17")), 17)

    def test_speed(self):
        path = self.recording(seconds=1, rate=500)
        times = [event["mono_ns"] for event in self.events("--from", path)]
        span = (max(times) - min(times)) / 1e9  # about a second, but on a machine that is busy
        def seconds(*args):
            start = time.monotonic()
            self.assertEqual(self.run_coretap("replay", path, *args).returncode, 0)
            return time.monotonic() - start
        slack = 1.5 * harness.SLOW
        for speed, least in (((), span), (("--speed", "4"), span / 4), (("--speed", "0.5"), span * 2)):
            took = seconds(*speed)
            self.assertTrue(least - 0.05 < took < least + slack, f"{speed}: {took} s for {span} s")
        self.assertLess(seconds("--speed", "max"), span * 2)

    def test_a_signal_ends_a_pause(self):
        path = self.recording(seconds=2, rate=100)
        slow = Program(self, [CORETAP, "replay", path, "--speed", "0.001"], "slow")
        wait_until(lambda: slow.out(), "the first event")
        start = time.monotonic()
        slow.send(signal.SIGINT).expect(0)
        self.assertLess(time.monotonic() - start, 2 * harness.SLOW)

    def test_a_recording_of_a_recording(self):
        path = self.recording()
        small = self.path("small.ctap")
        result = self.run_coretap("record", small, "--from", path, "--msg", "inv")
        self.assertEqual(result.returncode, 0, result.stderr)
        wanted = [event for event in self.events("--from", path, "--msg", "inv", "--payload", "all")]
        self.assertEqual(self.events("--from", small, "--payload", "all"), wanted)
        self.assertLess(os.path.getsize(small), os.path.getsize(path))

    def test_two_recordings_are_merged_by_time(self):
        """Two nodes, recorded apart and at the same time."""
        paths = []
        for name in ("alice", "bob"):
            sim = self.sim_copy(name=name)
            paths.append(self.path(name + ".ctap"))
            recorder = Program(self, [CORETAP, "record", paths[-1], "--binary", sim, "--stats", "0"], "record-" + name)
            recorder.wait_err(r"attached to \d+ tracepoints")
            harness.Sim(self, sim, "--scenario", "mainnet", "--rate", "1000", "--datadir", self.path(name)).node_pid
            setattr(self, name, recorder)
        time.sleep(1.5 * harness.SLOW)
        for name in ("alice", "bob"):
            getattr(self, name).send(signal.SIGINT).expect(0)
        apart = [self.events("--from", path) for path in paths]
        together = self.events("--from", paths[0], "--from", paths[1])
        self.assertEqual(len(together), sum(map(len, apart)))
        self.assertEqual([event["ts"] for event in together], sorted(event["ts"] for event in together))
        for path_events, name in zip(apart, ("alice", "bob")):
            self.assertEqual([event for event in together if event["node"] == name], [event for event in path_events if event["node"] == name])
        joined = self.path("joined.ctap")
        with open(joined, "wb") as out:
            for path in paths:
                with open(path, "rb") as part:
                    out.write(part.read())
        self.assertEqual(self.events("--from", joined), together)
        result = self.run_coretap("record", self.path("no.ctap"), "--from", paths[0], "--from", paths[1])
        self.assertEqual(result.returncode, 2)
        self.assertIn("cat A B > C", result.stderr)

    def test_tracepoints_of_a_users_own_need_no_configuration_again(self):
        config = self.write("mine.toml", harness.DEMO_CONFIG)
        path = self.record("demo.ctap", "--scenario every", "--config", config)
        demo = [event for event in self.events("--from", path) if event["event"] == "simnode:demo"]
        self.assertGreater(len(demo), 0)
        self.assertIn("counter", demo[0]["args"])
        again = self.events("--from", path, "--only", "simnode")
        self.assertEqual([event for event in again if not event["event"].startswith("coretap:")], demo)

    def test_pipes(self):
        path = self.recording()
        with open(path, "rb") as file:
            piped = subprocess.run([CORETAP, "log", "--json", "--from", "-"], input=file.read(), capture_output=True, check=True)
        self.assertEqual(piped.stdout.decode(), self.log("--json", "--from", path).stdout)
        recorder = subprocess.Popen([CORETAP, "record", "-", "--sim", "--sim-args", "--scenario every"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        replayed = subprocess.run([CORETAP, "log", "--json", "--from", "-"], stdin=recorder.stdout, capture_output=True, text=True, check=True)
        recorder.stdout.close()
        self.assertEqual(recorder.wait(harness.PATIENCE), 0)
        self.assertGreater(replayed.stdout.count("\n"), 20)


class Parts(RecordCase):
    #: of some megabytes, however slow the machine
    MEGABYTES = f"--scenario firehose --rate {harness.unhurried(40000)} --count 40000"

    def parts(self):
        return sorted(name for name in os.listdir(self.directory) if re.match(r"day\.\d{4}\.ctap$", name))

    def test_by_size_and_only_the_newest(self):
        self.record("day.ctap", self.MEGABYTES, "--rotate", "1MiB")
        parts = self.parts()
        self.assertGreater(len(parts), 3)
        self.assertEqual(parts[0], "day.0001.ctap")
        infos = [self.info(self.path(part), "verify") for part in parts]
        self.assertEqual([info["sessions"][0]["part"] for info in infos], list(range(1, len(parts) + 1)))
        self.assertEqual(len({info["sessions"][0]["session_id"] for info in infos}), 1)
        for info, part in zip(infos, parts):
            self.assertEqual(info["file_bytes"], os.path.getsize(self.path(part)))
            self.assertLess(info["file_bytes"], 4 << 20)
            self.assertEqual([node["label"] for node in info["nodes"]], ["coretap-sim"], "each part stands alone")
            self.assertTrue(info["ended_well"])
        all_parts = self.events(*[arg for part in parts for arg in ("--from", self.path(part))])
        in_turn = [event for part in parts for event in self.events("--from", self.path(part))]
        probes = lambda events: [event for event in events if not event["event"].startswith("coretap:")]
        self.assertEqual(probes(all_parts), probes(in_turn))

        for part in parts:
            os.remove(self.path(part))
        self.record("day.ctap", self.MEGABYTES, "--rotate", "1MiB", "--keep", "2")
        left = self.parts()
        self.assertEqual(len(left), 2)
        self.assertNotIn("day.0001.ctap", left)

    def test_by_age_without_privileges_to_make_files(self):
        """The reader is nobody; the parts are made where only root may."""
        os.chmod(self.directory, 0o700)
        recorder = Program(self, [CORETAP, "record", self.path("day.ctap"), "--rotate", "1s", "--sim", "--sim-args", "--rate 200 --duration 4s"], "record")
        recorder.wait_err(r"attached to \d+ tracepoints")
        self.assertEqual(status_of(recorder.pid)["Uid"].split()[0], str(harness.NOBODY))
        self.assertEqual(int(status_of(recorder.pid)["CapEff"], 16), 0)
        recorder.expect(0)
        self.assertGreaterEqual(len(self.parts()), 3)
        for part in self.parts():
            self.assertEqual(os.stat(self.path(part)).st_mode & 0o777, 0o600)

    def test_a_part_that_is_missing_is_told(self):
        self.record("day.ctap", self.MEGABYTES, "--rotate", "1MiB")
        parts = self.parts()
        self.assertGreater(len(parts), 2)
        os.remove(self.path(parts[1]))
        result = self.log("--json", *[arg for part in (parts[0], parts[2]) for arg in ("--from", self.path(part))])
        self.assertRegex(result.stderr, "missing|hole|gap")


class BadDays(RecordCase):
    def expect(self, status, pattern, *args, **more):
        result = self.run_coretap(*args, **more)
        self.assertEqual(result.returncode, status, f"coretap {' '.join(args)}: {result.stderr}")
        self.assertRegex(result.stderr, pattern)
        return result

    def test_what_is_no_recording(self):
        for command in (("log", "--from"), ("replay",), ("info",), ("verify",), ("export",)):
            self.expect(4, "no such file|No such file|there is no", *command, self.path("none"))
            self.expect(1, "empty", *command, self.write("empty", ""))
            self.expect(1, "no recording|not a recording", *command, self.write("text", "what is this\n" * 100))
            result = self.run_coretap(*command, self.directory)
            self.assertIn(result.returncode, (1, 2, 4), result.stderr)
            self.assertIn("directory", result.stderr)
            result = self.run_coretap(*command, harness.SIM)
            self.assertEqual(result.returncode, 1, result.stderr)

    def test_where_nothing_can_be_recorded(self):
        self.expect(4, "directory", "record", self.path("no/such/day.ctap"), "--sim")
        self.expect(2, "is there already.*--overwrite", "record", self.write("there.ctap", "x"), "--sim")
        self.assertEqual(open(self.path("there.ctap")).read(), "x")
        result = self.run_coretap("record", self.directory, "--sim")
        self.assertIn(result.returncode, (1, 2), result.stderr)
        read_only = self.path("read-only")
        os.mkdir(read_only)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", read_only], check=True)
        self.addCleanup(subprocess.run, ["umount", read_only])
        result = self.run_coretap("record", os.path.join(read_only, "day.ctap"), "--sim")
        self.assertIn(result.returncode, (1, 3), result.stderr)
        self.assertRegex(result.stderr, "[Rr]ead-only")

    def test_a_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk])
        path = os.path.join(disk, "day.ctap")
        result = self.expect(1, "No space left", "record", path, "--sim", "--sim-args", "--rate 0 --duration 30s", patience=2 * harness.PATIENCE)
        delivered, recorded, missing = (int(re.search(pattern, result.stderr).group(1).replace(",", "")) for pattern in (
            r"([\d,]+) delivered", r"recorded ([\d,]+) events", r"([\d,]+) events came that are not in the recording"))
        own = recorded + missing - delivered  # of coretap itself: the node, losses
        self.assertTrue(1 <= own <= 100, result.stderr)
        info = self.info(path, "verify")
        self.assertGreater(info["events"], 1000)
        self.assertEqual(len(self.events("--from", path)), info["events"])

    def test_killed(self):
        path = self.path("killed.ctap")
        sim = self.sim_copy()
        recorder = Program(self, [CORETAP, "record", path, "--binary", sim], "record")
        recorder.wait_err(r"attached to \d+ tracepoints")
        harness.Sim(self, sim, "--scenario", "mainnet", "--rate", "2000")
        wait_until(lambda: os.path.getsize(path) > 400_000, "some recording", 2 * harness.PATIENCE)
        killed_at = time.time()
        recorder.send(signal.SIGKILL).expect(-signal.SIGKILL)
        info = self.info(path, "verify")
        self.assertFalse(info["ended_well"])
        events = self.events("--from", path)
        self.assertEqual(len(events), info["events"])
        last = time.strptime(events[-1]["ts"][:19], "%Y-%m-%dT%H:%M:%S")
        self.assertLess(killed_at - calendar.timegm(last), 2.5 * harness.SLOW + 1, "at most about a second is lost")

    def test_a_flipped_bit(self):
        path = self.record("some.ctap", "--scenario mainnet --rate 0 --duration 3s")
        whole = self.info(path, "verify")
        self.assertGreater(whole["blocks"], 4)
        with open(path, "r+b") as file:
            file.seek(os.path.getsize(path) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 4]))
        damaged = self.info(path, "verify", status=7)
        self.assertEqual(len(damaged["damage"]), 1)
        self.assertFalse(damaged["sound"])
        self.assertEqual(damaged["events"] + damaged["damage"][0]["records"], whole["events"])
        result = self.log("--json", "--from", path)
        self.assertRegex(result.stderr, "damaged")
        self.assertGreaterEqual(result.stdout.count("\n"), damaged["events"])
        self.assertIn('"reason":"damaged"', result.stdout)

    def test_a_torn_tail(self):
        path = self.recording()
        os.truncate(path, os.path.getsize(path) * 2 // 3)
        result = self.run_coretap("log", "--json", "--from", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, "not closed|torn|cut off")

    def test_losses_are_in_the_recording(self):
        path = self.record("lost.ctap", "--scenario firehose --duration 1s", "--ring", "128KiB")
        info = self.info(path)
        lost = sum(count for reasons in info["lost"].values() for count in reasons.values())
        self.assertGreater(lost, 0)
        result = self.log("--json", "--from", path)
        told = sum(json.loads(line)["args"]["count"] for line in result.stdout.splitlines() if '"coretap:lost"' in line)
        self.assertEqual(told, lost)
        self.assertRegex(result.stderr, r"[1-9][\d,]* lost when they were recorded")

    def test_overwriting_waits_until_there_is_something_to_write(self):
        old, new = self.recording(), self.path("new.ctap")
        self.record("new.ctap", "--scenario every")
        before = open(new, "rb").read()
        for args, status in ((("--from", old, "--only", "nonsense"), 2), (("--from", old, "--from", self.path("none.ctap")), 4)):
            result = self.run_coretap("record", new, "--overwrite", *args)
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertEqual(open(new, "rb").read(), before)
        self.assertEqual(self.run_coretap("record", new, "--overwrite", "--from", old).returncode, 0)
        self.assertEqual(self.info(new)["events"], self.info(old)["events"])

    def test_a_start_that_fails_leaves_nothing_in_the_way(self):
        path = self.path("a.ctap")
        for args, status in ((("--no-wait", "--binary", "/bin/true"), 4), (("--no-wait", "--pid", "999999999"), 4)):
            self.assertEqual(self.run_coretap("record", path, *args).returncode, status)
            self.assertEqual(os.path.getsize(path), 0)
        self.record("a.ctap", "--scenario every")  # no --overwrite
        self.assertEqual(self.info(path)["ended_well"], True)

    def test_a_file_that_is_recorded_into_is_not_overwritten(self):
        path = self.path("a.ctap")
        first = Program(self, [CORETAP, "record", path, "--sim", "--sim-args", "--rate 50"], "first")
        first.wait_err(r"attached to \d+ tracepoints")
        wait_until(lambda: os.path.getsize(path) > 0, "the recording to begin")
        self.expect(2, "coretap: .* is being recorded into", "record", path, "--overwrite", "--sim", "--sim-args", "--scenario every")
        first.send(signal.SIGINT).expect(0)
        self.assertGreater(self.info(path)["events"], 0)
        self.record("a.ctap", "--scenario every", "--overwrite")

    def test_damage_at_the_beginning_is_told(self):
        path = self.path("a.ctap")
        self.record("a.ctap", "--rate 400 --duration 3s")  # a block a second
        whole = len(self.events("--from", path))
        with open(path, "r+b") as file:
            size = self.info(path)["file_bytes"]
            file.write(bytes(size // 2))
        result = self.log("--json", "--from", path)
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertRegex(result.stderr, r"a.ctap: at byte 0 no block begins there; \d+ bytes are skipped")
        lost = [event["args"] for event in events if event["event"] == "coretap:lost"]
        self.assertEqual([(one["tracepoint"], one["reason"]) for one in lost], [("recording", "damaged")])
        self.assertLess(len(events), whole)
        self.assertGreater(len(events), 2)
        self.assertRegex(self.log("--from", path).stdout, "LOST an unknown number, recording")
        self.assertIn("rows may be missing", self.run_coretap("export", path, "--fields", "ts").stderr)

    def test_one_that_was_compressed_is_not_read_as_damaged(self):
        path = self.recording()
        packed = self.path("packed.zst")
        subprocess.run(["zstd", "-q", "-1", path, "-o", packed], check=True)
        self.assertEqual(self.run_coretap("info", packed).returncode, 1)
        self.expect(1, "coretap: .* is no recording of coretap: it is compressed with zstd", "log", "--from", packed)

    def test_nobody_reads_the_pipe(self):
        for args in (("--sim", "--sim-args", "--rate 5000 --duration 1s"), ("--from", self.recording())):
            command = f'{CORETAP} record - -q {" ".join(f"{chr(39)}{arg}{chr(39)}" for arg in args)} | head -c 10 > /dev/null; echo ${{PIPESTATUS[0]}}'
            self.assertEqual(subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False).stdout, "0\n")

    def test_names_that_are_empty_and_outputs_that_are_full(self):
        path = self.recording()
        for args in (("record", "", "--sim"), ("log", "--record", "", "--sim"), ("export", path, "-o", ""), ("log", "--from", ""), ("info", "")):
            self.expect(2, "coretap: .* is empty: there is no such file", *args)
        for args in (("info", path), ("verify", path), ("--help",), ("log", "--help")):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([CORETAP, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (1, "coretap: cannot write to stdout: a full disk, or it is closed\n"))

    def test_a_table_does_not_overwrite_a_recording(self):
        path, other = self.recording(), self.path("other.ctap")
        self.record("other.ctap", "--scenario every")
        self.expect(2, "coretap: .* is a recording, which a table does not overwrite", "export", path, "--fields", "ts", "-o", other)
        self.assertGreater(self.info(other)["events"], 0)
        self.assertEqual(self.run_coretap("export", "--from", path, "--fields", "ts", "-o", self.path("ts.csv")).returncode, 0)
        self.assertEqual(os.stat(self.path("ts.csv")).st_mode & 0o777, 0o600)

    def test_how_many_of_them_were_passed_on(self):
        path = self.recording()
        self.assertRegex(self.log("--from", path, "--count", "3").stderr, r"coretap: 3 of [\d,]+ events passed on, 0 lost")
        self.assertRegex(self.log("--from", path).stderr, r"coretap: [\d,]+ events, 0 lost")

    def test_options_that_make_no_sense(self):
        path = self.recording()
        for args in (("--from", path, "--sim"), ("--from", path, "--pid", "1"), ("--since", "2026-11-22"), ("--speed", "2"), ("--rotate", "1h"),
                     ("--from", path, "--speed", "0"), ("--from", path, "--speed", "fast"), ("--from", path, "--since", "noon"),
                     ("--from", path, "--since", "+2s", "--until", "+1s"), ("--from", path, "--enable", "utxocache:add"),
                     ("--record", self.path("x.ctap"), "--keep", "3"), ("--record", self.path("x.ctap"), "--rotate", "1KiB"),
                     ("--record", self.path("x.ctap"), "--rotate", "often"), ("--from", path, "--record", path, "--overwrite"), ("--decode", "some"),
                     ("--from", path, "--sim-args", "--rate 1")):
            self.expect(2, "coretap: .", "log", *args)
            self.assertFalse(os.path.exists(self.path("x.ctap")))

    def test_an_output_is_emptied_when_there_is_something_to_write(self):
        path, output = self.recording(), self.path("out.csv")
        text = "what was there " * 100_000
        with open(output, "w", encoding="ascii") as file:
            file.write(text)
        self.expect(2, "coretap: no event has the field 'typo'", "export", path, "--fields", "typo", "-o", output)
        with open(output, encoding="ascii") as file:
            self.assertEqual(file.read(), text)
        self.run_coretap("export", path, "--fields", "ts", "-o", output, "--count", "2")
        with open(output, encoding="ascii") as file:
            self.assertEqual(len(file.read().splitlines()), 3)

    def test_outputs_that_would_spoil_each_other(self):
        path = self.recording()
        part, both = self.path("part.0001.ctap"), self.path("both")
        os.link(path, part)
        for args in (("log", "--from", path, "--record", "-"), ("export", path, "--record", "-"),
                     ("export", path, "--record", both, "-o", both), ("export", path, "--record", both, "-o", os.path.join(self.path("."), "both")),
                     ("record", both, "--from", path, "--payload", "none"),
                     ("record", self.path("part.ctap"), "--from", part, "--rotate", "1MiB", "--overwrite")):
            self.expect(2, "coretap: .", *args)
            self.assertFalse(os.path.exists(both))
        self.assertTrue(os.path.samefile(path, part))
        # what is shown may go elsewhere; the recording keeps the payloads, and says nothing else
        self.log("--from", path, "--record", both, "--payload", "none")
        self.assertNotIn("--payload", self.info(both)["sessions"][0]["filter"])

    def test_decoding_has_no_privileges(self):
        path = self.recording(seconds=2, rate=100)
        os.chmod(path, 0o600)
        replay = Program(self, [CORETAP, "replay", path, "--speed", "0.01"], "replay")
        wait_until(lambda: replay.out(), "the first event")
        status = status_of(replay.pid)
        self.assertEqual(status["Uid"].split()[0], str(harness.NOBODY))
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        for task in os.listdir(f"/proc/{replay.pid}/task"):
            self.assertEqual(int(status_of(f"{replay.pid}/task/{task}")["CapEff"], 16), 0)


if __name__ == "__main__":
    harness.main()
