#!/usr/bin/env python3
"""coretap serve --from, moved in: whatever way a time was reached, the state is that of a replay which ended there."""
import datetime
import http.client
import json
import os
import re
import subprocess
import time

import harness
from harness import Case, wait_until
from serving import Serve, WebSocket

#: what the API shows of the state
STATE = "peers?closed=1", "blocks?limit=144", "mempool", "utxo", "messages", "addr", "history", "losses", "nodes"


def utc(ms):
    """As --until takes it."""
    return datetime.datetime.fromtimestamp(round(ms * 1000) // 1_000_000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{round(ms * 1000) % 1_000_000:06}Z"


class Moving(Case):
    def record(self, *sim, name="day.ctap"):
        path = self.path(name)
        result = self.run_coretap("record", path, "--sim", "--sim-args", " ".join(("--scenario", "mainnet", *sim)), patience=3 * harness.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path

    def post(self, serve, wanted, status=200, **headers):
        body = wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode()
        connection = http.client.HTTPConnection(serve.host, serve.port, timeout=harness.PATIENCE)
        self.addCleanup(connection.close)
        connection.request("POST", "/api/v1/replay", body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
        self.assertEqual(answer.status, status, text)
        return json.loads(text)

    def arrived(self, serve):
        return serve.wait_api("replay", lambda answer: answer["moving"] is None)

    def go(self, serve, at_ms, **more):
        """To a time; the section when it is there."""
        will = self.post(serve, {"at_utc_ms": at_ms, **more})
        self.assertIsNotNone(will["moving"])
        is_there = self.arrived(serve)
        self.assertEqual(is_there["moves"], will["moves"] + 1)
        return is_there

    def state(self, serve):
        state = {path: serve.api(path) for path in STATE}
        state["events"] = serve.api("snapshot")["events"]
        return state

    def check_state(self, serve, path, at_ms=None):
        """Against another program, which replayed to that time and no further."""
        fresh = Serve(self, "--from", path, "--speed", "max", *(("--until", utc(at_ms)) if at_ms else ()))
        fresh.wait_api("replay", lambda answer: answer["ended"])
        self.assertEqual(self.state(serve), self.state(fresh))
        events = fresh.api("snapshot")["events"]
        fresh.stop()
        return events


class Shown(Moving):
    def test_forth_and_back_the_state_is_that_of_then(self):
        path = self.record("--rate", "0", "--count", "30000")
        serve = Serve(self, "--from", path)
        start = self.post(serve, {"paused": True})
        begin, end = start["from_utc_ms"], start["to_utc_ms"]
        self.assertEqual((start["movable"], start["paused"], start["moves"]), (True, True, 0))
        seen = []
        for share in 0.5, 0.9, 0.3, 0.05, 0.7:
            with self.subTest(share):
                at = round(begin + share * (end - begin), 3)
                there = self.go(serve, at)
                self.assertEqual((there["at_utc_ms"], there["state_since_utc_ms"], there["paused"], there["ended"]), (at, begin, True, False))
                seen.append(self.check_state(serve, path, at))
        self.assertTrue(seen[3] < seen[2] < seen[0] < seen[4] < seen[1], seen)

        # the end, by its name and beyond; then back from there
        for at in end, end + 1e6:
            there = self.go(serve, at)
            self.assertEqual((there["ended"], there["at_utc_ms"]), (True, end))
            self.check_state(serve, path)
            serve.wait_err("the recording has ended")
        there = self.go(serve, begin + 0.4 * (end - begin))
        self.assertFalse(there["ended"])
        # the beginning: nothing was seen yet, but a recording is shown
        there = self.go(serve, begin - 5000)
        self.assertEqual(there["at_utc_ms"], begin)
        self.assertEqual(serve.api("snapshot")["events"], 0)
        self.assertEqual(serve.status("/readyz"), 200)
        self.assertEqual(serve.status("/metrics"), 200)
        # and on from there as fast as it goes
        self.post(serve, {"paused": False, "speed": 0})
        serve.wait_api("replay", lambda answer: answer["ended"])
        self.check_state(serve, path)
        self.assertEqual(len(re.findall("the recording has ended", serve.err())), 1, "said once")
        serve.stop()

    def test_pause_and_speed(self):
        path = self.record("--rate", "500", "--duration", "6s")
        serve = Serve(self, "--from", path)
        serve.wait_api("replay", lambda answer: answer["at_utc_ms"] > answer["from_utc_ms"] + 300)
        self.post(serve, {"paused": True})
        held = self.state(serve)
        # what was on its way when it was asked is shown within a second
        time.sleep(1.5)
        held, at = self.state(serve), serve.api("replay")["at_utc_ms"]
        time.sleep(1.5)
        self.assertEqual((self.state(serve), serve.api("replay")["at_utc_ms"]), (held, at), "it holds still")
        began = time.monotonic()
        will = self.post(serve, {"paused": False, "speed": 4})
        self.assertEqual((will["paused"], will["speed"]), (False, 4))
        ended = serve.wait_api("replay", lambda answer: answer["ended"])
        self.assertGreater(time.monotonic() - began, (ended["to_utc_ms"] - at) / 4000 - 0.5)
        self.check_state(serve, path)
        serve.stop()

    def test_streams_are_told(self):
        path = self.record("--rate", "0", "--count", "20000")
        serve = Serve(self, "--from", path)
        start = self.post(serve, {"paused": True})
        begin, end = start["from_utc_ms"], start["to_utc_ms"]
        client = WebSocket(self, serve)
        client.subscribe(max_events_per_s=20000, snapshot=True)
        seq = client.receive_kind("snapshot")["seq"]
        middle = round((begin + end) / 2, 3)
        numbers = []
        for at in end, middle:
            self.go(serve, at)
            message = client.receive()
            while message["type"] != "moved":
                if message["type"] == "events":
                    numbers += [event["seq"] for event in message["events"]]
                message = client.receive()
            numbers.append(message["seq"])
            self.assertEqual((message["at_utc_ms"], message["state_since_utc_ms"]), (at, begin))
            snapshot = client.receive_kind("snapshot")["snapshot"]
            self.assertEqual(snapshot["replay"]["at_utc_ms"], at)
            self.assertEqual(snapshot["events"], serve.api("snapshot")["events"])
        self.assertEqual(numbers, list(range(seq + 1, seq + 1 + len(numbers))), "no gap, and nothing of the way")
        self.assertLess(len(numbers), 50)
        self.post(serve, {"paused": False, "speed": 1})
        first = client.events(lambda got: got)[0]
        self.assertEqual(first["seq"], numbers[-1] + 1)
        self.assertGreaterEqual(first["ts"][:23], utc(middle)[:23])
        serve.stop()

    def test_counters_of_metrics_go_back(self):
        path = self.record("--rate", "0", "--count", "20000")
        serve = Serve(self, "--from", path, "--speed", "max")
        end = serve.wait_api("replay", lambda answer: answer["ended"])

        def total():
            return sum(int(value) for value in re.findall(r"^coretap_p2p_messages_total\{.*\} (\d+)$", serve.text("/metrics"), re.M))
        all_of_it = total()
        self.go(serve, (end["from_utc_ms"] + end["to_utc_ms"]) / 2, paused=True)
        self.assertLess(total(), all_of_it)
        self.assertGreater(total(), 0)
        serve.stop()

    def test_many_who_ask(self):
        path = self.record("--rate", "0", "--count", "30000")
        serve = Serve(self, "--from", path, "--speed", "max")
        end = serve.wait_api("replay", lambda answer: answer["ended"])
        begin, span = end["from_utc_ms"], end["to_utc_ms"] - end["from_utc_ms"]
        for i in range(15):
            self.post(serve, {"at_utc_ms": begin + span * (i * 7 % 10) / 10, "paused": i % 2 == 0, "speed": i})
        at = round(begin + span * 0.6, 3)
        self.post(serve, {"at_utc_ms": at, "paused": True})
        self.arrived(serve)
        self.assertEqual(serve.api("replay")["at_utc_ms"], at, "the last counts")
        self.check_state(serve, path, at)
        serve.stop()


class Refused(Moving):
    def test_what_makes_no_sense_or_comes_from_elsewhere(self):
        path = self.record("--rate", "0", "--count", "2000")
        serve = Serve(self, "--from", path, "--speed", "max")
        serve.wait_api("replay", lambda answer: answer["ended"])
        self.post(serve, b"{", 400)
        self.post(serve, {"speed": -1}, 400)
        self.post(serve, {"stop": True}, 400)
        self.post(serve, {"paused": True}, 403, Origin="http://evil.example")
        self.post(serve, {"paused": True}, 415, **{"Content-Type": "text/plain"})
        self.post(serve, {"paused": True}, 421, Host="evil.example")
        self.assertFalse(serve.api("replay")["paused"])
        self.post(serve, {"paused": True}, Origin=f"http://{serve.host}:{serve.port}", Host=f"{serve.host}:{serve.port}")
        serve.stop()

    def test_of_a_node_nothing_can_be_changed(self):
        serve = Serve(self, binary=self.sim_copy())
        self.assertIn("of a node nothing can be changed", self.post(serve, {"paused": True}, 404)["error"]["message"])
        wait_until(lambda: serve.status("/api/v1/replay") == 404, "no such section")
        serve.stop()

    def test_a_pipe_cannot_go_to_a_time(self):
        path = self.record("--rate", "0", "--count", "5000")
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        os.chmod(pipe, 0o644)
        feeder = subprocess.Popen(["dd", f"if={path}", f"of={pipe}", "status=none"])
        self.addCleanup(feeder.wait)
        self.addCleanup(feeder.kill)
        serve = Serve(self, "--from", pipe)
        will = self.post(serve, {"paused": True})
        self.assertEqual((will["movable"], will["paused"], will["to_utc_ms"]), (False, True, None))
        refused = self.post(serve, {"at_utc_ms": will["from_utc_ms"]}, 409)["error"]
        self.assertIn("pipe", refused["message"])
        self.post(serve, {"paused": False, "speed": 0})
        serve.wait_api("replay", lambda answer: answer["ended"])
        self.assertIn("no way back", self.post(serve, {"paused": False}, 409)["error"]["message"])
        self.assertEqual(serve.api("snapshot")["events"], json.loads(self.run_coretap("info", "--json", path).stdout)["events"])
        serve.stop()

    def test_what_is_recorded_stays_in_order(self):
        path = self.record("--rate", "0", "--count", "2000")
        copy = self.path("copy.ctap")
        serve = Serve(self, "--from", path, "--record", copy, "--speed", "max")
        serve.wait_api("replay", lambda answer: answer["ended"])
        self.post(serve, {"at_utc_ms": 0}, 409)
        serve.stop()
        self.assertEqual(json.loads(self.run_coretap("info", "--json", copy).stdout)["events"], json.loads(self.run_coretap("info", "--json", path).stdout)["events"])


if __name__ == "__main__":
    harness.main()
