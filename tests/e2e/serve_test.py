#!/usr/bin/env python3
"""coretap serve: what it shows of the stand-in is what the stand-in fired; how it begins, goes on, and ends."""
import collections
import ctypes
import fcntl
import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import harness
from harness import NOBODY, Case, Sim, expected_of, status_of, wait_until
from serving import Serve, WebSocket, fired_messages, messages_of

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "messages.md")
#: message types coretap knows (docs/messages.md); others are counted as `other`
KNOWN = {name for heading in re.findall(r"^### (.*)$", harness.read_text(DOCS).split("\n## Types\n")[1], re.M) for name in heading.split(", ")}


class Serving(Case):
    def finished(self, serve, label="node", starts=1):
        """Until the node has ended and all of it is in the snapshot."""
        def over(answer):
            node = next((node for node in answer["nodes"] if node["label"] == label), None)
            return node and node["starts"] == starts and not node["running"]
        return serve.wait_api("nodes", over)

    def check_counts(self, serve, sims, log=None):
        """Messages and losses, to the last one."""
        fired = sum((collections.Counter(sim.result()["fired"]) for sim in sims), collections.Counter())
        losses = serve.wait_api("losses", lambda answer: answer["tracepoints"]["net:inbound_message"]["fired"] >= fired["net:inbound_message"])
        for name, row in losses["tracepoints"].items():
            if not name.startswith("coretap:"):
                self.assertEqual(row["fired"], fired.get(name, 0), name)
                self.assertEqual(row["fired"], row["delivered"] + row["withheld"] + sum(row["lost"].values()), name)
        log = [line for sim in sims for line in sim.fired_log()]
        expected = fired_messages(log, KNOWN)
        got = serve.wait_api("messages", lambda answer: sum(count for count, _ in messages_of(answer).values()) >= sum(count for count, _ in expected.values()))
        self.assertEqual(messages_of(got), expected)
        return losses, log


class Shown(Serving):
    def test_it_shows_what_was_fired_to_the_last_one(self):
        self.assertGreater(len(KNOWN), 20)
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        self.assertEqual(serve.err().splitlines()[-1], f"coretap: the page is at {serve.url}", "the last line")

        # nothing to see yet
        self.assertEqual(serve.text("/healthz"), "ok\n")
        status, _, why = serve.request("/readyz")
        self.assertEqual((status, why), (503, b"no node has been found yet\n"))
        status, headers, page = serve.request("/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b"<title>", page)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])

        sim = Sim(self, binary, "--scenario", "mainnet", "--rate", "4000", "--count", "20000", log=True)
        wait_until(lambda: serve.status("/readyz") == 200, "readiness")
        self.assertEqual(serve.node()["pid"], sim.node_pid)
        sim.expect(0, 3 * harness.PATIENCE)
        self.finished(serve)
        losses, log = self.check_counts(serve, [sim])
        self.assertEqual(sum(sum(row["lost"].values()) for row in losses["tracepoints"].values()), 0)

        snapshot = serve.api("snapshot")
        node, = snapshot["nodes"]
        self.assertEqual((node["label"], node["messages_exact"]), ("node", True))
        blocks = [line["args"] for line in log if line["event"] == "validation:block_connected"]
        self.assertGreater(len(blocks), 0)
        connected = {block["hash"]: block for block in serve.api("blocks?limit=144")["blocks"] if block["connected_utc_ms"] is not None}
        self.assertEqual(set(connected), {block["block_hash"] for block in blocks})
        for block in blocks:
            shown = connected[block["block_hash"]]
            self.assertEqual((shown["height"], shown["transactions"]), (block["height"], block["transactions"]))

        peers = {peer["id"]: peer for peer in serve.api("peers?closed=1")["peers"]}
        of_log = collections.defaultdict(lambda: [0, 0])
        for line in log:
            if line["event"] in ("net:inbound_message", "net:outbound_message"):
                of_log[line["args"]["peer_id"]]["out" in line["event"]] += 1
        self.assertEqual({id: [peer["messages_in"], peer["messages_out"]] for id, peer in peers.items()},
                         {id: counts for id, counts in of_log.items() if id in peers})
        self.assertGreater(len(peers), 10)
        one = next(iter(peers))
        self.assertEqual(serve.api(f"peers/{one}")["address"], peers[one]["address"])

        seconds = serve.api("history")["seconds"]
        cut = seconds[len(seconds) // 2]["utc_ms"]
        later = serve.api(f"history?since_utc_ms={cut}")
        self.assertEqual(later["seconds"][0]["utc_ms"], cut)
        self.assertTrue(all(point["utc_ms"] >= cut for point in later["minutes"]))

        metrics = serve.text("/metrics")
        inbound = sum(int(value) for value in re.findall(r'^coretap_p2p_messages_total\{node="node",direction="in",.*\} (\d+)$', metrics, re.M))
        self.assertEqual(inbound, sim.result()["fired"]["net:inbound_message"])
        self.assertIn('coretap_events_lost_total{tracepoint="net:inbound_message",reason="ring-full"} 0', metrics)
        self.assertIn("# EOF", serve.text("/metrics", {"Accept": "application/openmetrics-text"}))
        serve.stop()

    def test_what_it_says_of_itself(self):
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        sim = Sim(self, binary, "--rate", "500")
        one = serve.wait_api("self", lambda answer: any(row["attached_processes"] for row in answer["tracepoints"].values()))
        self.assertEqual(one["tracepoints"]["net:inbound_message"]["attached_processes"], 1)
        attachment, = one["attachments"]
        self.assertEqual((attachment["path"], attachment["processes"]), (binary, 1))
        self.assertEqual(attachment["tracepoints"], int(re.search(r"attached to (\d+) tracepoints", serve.err()).group(1)))
        self.assertEqual(one["ring"]["bytes"], 16 << 20)
        self.assertGreater(one["process"]["resident_bytes"], 1 << 20)
        self.assertAlmostEqual(one["process"]["open_fds"], harness.fds_of(serve.pid), delta=3)
        self.assertEqual(one["process"]["threads"], len(os.listdir(f"/proc/{serve.pid}/task")))
        later = serve.wait_api("self", lambda answer: answer["uptime_ns"] > one["uptime_ns"] and answer["ring"]["high_water_bytes"] > 0)
        self.assertGreater(later["server"]["requests_total"], one["server"]["requests_total"])
        self.assertEqual(later["streams"]["clients"], 0)
        client = WebSocket(self, serve)
        client.subscribe()
        serve.wait_api("self", lambda answer: answer["streams"]["clients"] == 1 and answer["server"]["websockets"] == 1)
        sim.send(signal.SIGTERM).expect(0)
        serve.wait_api("self", lambda answer: answer["attachments"][0]["processes"] == 0)
        serve.stop()

    def test_a_stream_has_the_events_that_were_fired(self):
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        client = WebSocket(self, serve)
        self.assertEqual(client.status, 101)
        # not addrman: a thousand events at once, of which a build with sanitizers leaves out what takes it too long
        only = ["net", "mempool", "validation", "utxocache", "coin_selection"]
        hello = client.subscribe(filter={"only": only}, max_events_per_s=20000, snapshot=False)
        sim = Sim(self, binary, "--scenario", "mainnet", "--rate", harness.unhurried(1500), "--count", "3000", log=True)
        events = client.events(lambda got: any(event["event"] == "coretap:node_gone" for event in got))
        sim.expect(0)
        self.assertEqual((client.dropped, client.sampled_out), (0, 0))
        self.assertEqual([event["seq"] for event in events], list(range(hello["seq"] + 1, hello["seq"] + 1 + len(events))), "no gap")
        known = {line["event"] for line in sim.fired_log() if line["event"].split(":")[0] in only} - set(harness.HOT.split(","))
        got = [(event["event"], {key: value for key, value in event["args"].items() if key != "payload"}) for event in events if event["event"] in known]
        self.assertEqual(got, [(line["event"], expected_of(line, lambda kind: 0)[0]) for line in sim.fired_log() if line["event"] in known])
        serve.stop()
        self.assertIsNone(client.receive())
        self.assertEqual(client.close_code, 1001, "it says goodbye")

    def test_a_filter_and_a_snapshot(self):
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        sim = Sim(self, binary, "--scenario", "mainnet", "--rate", "2000")
        serve.wait_api("peers", lambda answer: len(answer["peers"]) > 3)
        client = WebSocket(self, serve)
        client.subscribe(filter={"msg": ["inv"], "direction": "in"}, decode="short", max_events_per_s=5000, snapshot=True)
        snapshot = client.receive_kind("snapshot")["snapshot"]
        self.assertEqual(snapshot["nodes"][0]["label"], "node")
        self.assertGreater(len(snapshot["peers"]), 3)
        self.assertIn("self", snapshot)
        events = client.events(lambda got: len(got) > 50)
        self.assertEqual({event["args"]["msg_type"] for event in events if event["event"].startswith("net:")}, {"inv"})
        self.assertEqual({event["event"] for event in events}, {"net:inbound_message"})
        sim.send(signal.SIGTERM).expect(0)
        serve.stop()

    def test_snapshots_say_which_events_are_in_them(self):
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        sim = Sim(self, binary, "--scenario", "messages", "--rate", harness.unhurried(1000)) # evenly: nothing is left out
        serve.wait_api("peers", lambda answer: len(answer["peers"]) > 3)
        for attempt in "a new subscription", "one that there is":
            with self.subTest(attempt):
                client = WebSocket(self, serve)
                client.subscribe(max_events_per_s=20000, snapshot=True)
                first = client.receive()
                self.assertEqual(first["type"], "snapshot", "before all events")
                seqs, snapshots = [], [first]
                while len(snapshots) < 3 or seqs[-1] < snapshots[-1]["seq"]:
                    message = client.receive()
                    if message["type"] == "snapshot":
                        snapshots.append(message)
                    else:
                        self.assertEqual((message["dropped"], message["sampled_out"]), (0, 0))
                        seqs += [event["seq"] for event in message["events"]]
                self.assertEqual(seqs, list(range(first["seq"] + 1, first["seq"] + 1 + len(seqs))), "events begin where the snapshot ends")
                for one in snapshots[1:]:
                    self.assertGreater(one["seq"], first["seq"])
                    self.assertEqual(one["snapshot"]["events"] - first["snapshot"]["events"], one["seq"] - first["seq"])
        sim.send(signal.SIGTERM).expect(0)
        serve.stop()

    def test_a_node_restarts_under_load(self):
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        sims = []
        for number in 1, 2, 3:
            sims.append(Sim(self, binary, "--scenario", "mainnet", "--rate", "6000", "--count", "6000", "--seed", str(number), log=True).expect(0))
        self.finished(serve, starts=3)
        self.check_counts(serve, sims)
        self.assertEqual(serve.status("/readyz"), 503)
        self.assertEqual(serve.api("peers")["peers"], [], "of a node that is gone nobody is connected")
        serve.stop()

    def test_a_recording(self):
        path = self.path("day.ctap")
        result = self.run_coretap("record", path, "--sim", "--sim-args", "--scenario mainnet --rate 0 --count 5000", patience=3 * harness.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        info = json.loads(self.run_coretap("info", "--json", path).stdout)
        serve = Serve(self, "--from", path, "--speed", "max")
        serve.wait_err("the recording has ended")
        replay = serve.wait_api("replay", lambda answer: answer["ended"])
        self.assertEqual(replay["speed"], 0)
        self.assertLessEqual(replay["from_utc_ms"], replay["at_utc_ms"])
        self.assertEqual(replay["at_utc_ms"], replay["to_utc_ms"])
        self.assertEqual(serve.status("/readyz"), 200)
        counts = messages_of(serve.api("messages"))
        for direction in "in", "out":
            name = f"net:{direction}bound_message"
            self.assertEqual(sum(count for (way, _, _), (count, _) in counts.items() if way == direction),
                             serve.api("losses")["tracepoints"][name]["delivered"])
        self.assertEqual(serve.api("snapshot")["events"], info["events"])
        self.assertEqual(serve.status("/api/v1/rpc"), 404)
        self.assertEqual(status_of(serve.pid)["Uid"].split()[0], str(NOBODY))
        serve.stop()

    def test_a_recording_at_its_own_speed_can_be_watched(self):
        path = self.path("day.ctap")
        result = self.run_coretap("record", path, "--sim", "--sim-args", "--scenario mainnet --rate 500 --duration 8s", patience=3 * harness.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        serve = Serve(self, "--from", path, "--speed", "2")
        early = serve.wait_api("replay", lambda answer: answer["at_utc_ms"] > answer["from_utc_ms"] + 500)
        self.assertEqual((early["speed"], early["ended"]), (2, False))
        self.assertLess(early["at_utc_ms"], early["to_utc_ms"])
        self.assertGreater(serve.api("snapshot")["events"], 100)
        serve.wait_api("replay", lambda answer: answer["ended"])
        serve.stop()


class Beginnings(Serving):
    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            serve = Serve(self, "--sim", listen=f"127.0.0.1:{port}", serving=False).expect(1)
            self.assertRegex(serve.err(), rf"coretap: port {port} of 127.0.0.1 is in use: another program, or another coretap, listens there")
            self.assertNotIn("attached", serve.err(), "found out before anything is traced")

    def test_addresses_that_are_none(self):
        for listen in "127.0.0.1:70000", "here:8338", "127.0.0.1:", "[::1", "[::1]8338", "1.2.3.4:x", "127.0.0.1:-1", "":
            with self.subTest(listen):
                serve = Serve(self, "--sim", listen=listen, serving=False).expect(2)
                self.assertRegex(serve.err(), "coretap: .*(address|--listen)")
                self.assertNotIn("attached", serve.err())

    def test_make_run_ends_in_it(self):
        root = os.path.abspath(os.path.join(os.path.dirname(DOCS), ".."))
        if os.path.realpath(harness.CORETAP) != os.path.realpath(os.path.join(root, "build", "bin", "coretap")):
            self.skipTest("scripts/run.sh is for build/bin")
        run = harness.Program(self, [os.path.join(root, "scripts", "run.sh"), "--listen", "0", "--sim-args", "--epoch 1760000000 --rate 500"], "run")
        address = run.wait_err(r"the page is at (http://127\.0\.0\.1:\d+/)\n").group(1)
        self.assertEqual(run.err().splitlines()[-1], f"coretap: the page is at {address}")
        self.assertRegex(run.err(), "coretap: (watching the node that runs here|no node .* watching the stand-in node, coretap-sim, instead)")
        port = int(address.rstrip("/").rsplit(":", 1)[1])

        def ready():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        wait_until(ready, lambda: run.err())
        run.send(signal.SIGTERM).expect(0)

    def test_others_need_a_token(self):
        serve = Serve(self, "--sim", listen="0.0.0.0:0", serving=False).expect(2)
        self.assertIn("can be reached from outside this machine: set a token", serve.err())
        short = self.write("short", "too short\n")
        Serve(self, "--sim", "--token-file", short, listen="0.0.0.0:0", serving=False).expect(2)
        missing = Serve(self, "--sim", "--token-file", "/nowhere/token", listen="0.0.0.0:0", serving=False)
        self.assertNotEqual(missing.wait(), 0)
        self.assertIn("cannot read a token from /nowhere/token: No such file or directory", missing.err())

        token = self.write("token", "0123456789abcdef0123456789abcdef\n")
        os.chmod(token, 0o600)  # read while we are root
        serve = Serve(self, "--sim", "--token-file", token, listen="0.0.0.0:0")
        serve.host = "127.0.0.1"
        self.assertEqual(serve.status("/healthz"), 200)
        self.assertEqual(serve.status("/api/v1/nodes"), 401)
        self.assertEqual(serve.status("/metrics"), 401)
        self.assertEqual(serve.status("/api/v1/nodes", {"Authorization": "Bearer 0123456789abcdef0123456789abcdee"}), 401)
        right = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}
        self.assertEqual(serve.status("/api/v1/config", right), 200)
        self.assertNotIn("0123456789abcdef", serve.text("/api/v1/config", right))
        self.assertEqual(WebSocket(self, serve).status, 401)
        self.assertEqual(WebSocket(self, serve, right).status, 101)
        serve.stop()

    def test_it_runs_as_nobody_without_capabilities(self):
        binary = self.sim_copy()
        serve = Serve(self, binary=binary)
        Sim(self, binary, "--rate", "100")
        serve.wait_api("nodes", lambda answer: answer["nodes"])
        for task in os.listdir(f"/proc/{serve.pid}/task"):
            status = status_of(f"{serve.pid}/task/{task}")
            self.assertEqual(set(status["Uid"].split()), {str(NOBODY)})
            self.assertEqual(status["Groups"].split(), [])
            for kind in "CapEff", "CapPrm", "CapInh", "CapAmb":
                self.assertEqual(int(status[kind], 16), 0, kind)
            self.assertEqual(status["NoNewPrivs"].strip(), "1")
        self.assertEqual(status_of(serve.attacher())["Uid"].split()[0], "0")
        serve.stop()

    def test_it_does_with_the_capabilities_of_the_unit(self):
        unit = harness.read_text(os.path.join(os.path.dirname(DOCS), "..", "contrib", "systemd", "coretap.service"))
        names = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).lower().replace("cap_", "").split()
        self.assertEqual(len(names), 7)
        os.chmod(self.directory, 0o777)
        binary = self.sim_copy()
        datadir = self.path("data/node")
        os.makedirs(datadir)
        log = os.path.join(datadir, "debug.log")
        with open(log, "w", encoding="utf-8"):
            pass
        os.chown(datadir, 12345, 12345)
        os.chown(log, 12345, 12345)
        os.chmod(log, 0o600)
        serve = Serve(self, binary=binary, prefix=("setpriv", "--bounding-set", "-all," + ",".join("+" + name for name in names), "--no-new-privs"))
        Sim(self, binary, "--rate", "500", f"-datadir={datadir}", prefix=("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"))
        serve.wait_api("peers", lambda answer: answer["peers"])
        serve.wait_api("log", lambda answer: answer["nodes"].get("node", {}).get("following"))
        self.assertEqual(status_of(serve.pid)["Uid"].split()[0], str(NOBODY))
        serve.stop()

    def test_it_tells_a_service_manager(self):
        path = self.path("notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        os.chmod(path, 0o777)
        manager.settimeout(harness.PATIENCE)
        serve = Serve(self, "--sim", env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000"})
        self.assertEqual(manager.recv(4096).decode(), f"READY=1\nSTATUS=serving {serve.url}")
        said = collections.Counter()
        while said["WATCHDOG=1"] < 4:
            said[manager.recv(4096).decode()] += 1
        self.assertIn(f"STATUS=serving {serve.url}; 1 node traced", said)
        # a web server that hangs is a reason to be started anew, though all else goes on
        web = max(int(thread) for thread in os.listdir(f"/proc/{serve.pid}/task"))
        ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        ptrace.argtypes = [ctypes.c_long] * 4
        self.assertEqual(ptrace(16, web, 0, 0), 0, "PTRACE_ATTACH, which stops that thread alone")
        serve.wait_err("the web server hangs")
        manager.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while manager.recv(4096):
                pass
        time.sleep(1)
        with self.assertRaises(BlockingIOError):
            manager.recv(4096)
        self.assertEqual(ptrace(17, web, 0, 0), 0, "PTRACE_DETACH")
        manager.settimeout(harness.PATIENCE)
        self.assertEqual(manager.recv(4096), b"WATCHDOG=1")
        serve.send(signal.SIGTERM)
        while not said["STOPPING=1\nSTATUS=stopping"]:
            said[manager.recv(4096).decode()] += 1
        serve.expect(0)


class Endings(Serving):
    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM:
            with self.subTest(number.name):
                binary = self.sim_copy(name=f"node-{number.name}")
                serve = Serve(self, binary=binary)
                sim = Sim(self, binary, "--scenario", "firehose", "--rate", "20000")
                client = WebSocket(self, serve)
                client.subscribe(max_events_per_s=20000)
                client.events(lambda got: len(got) > 1000)
                children = harness.children_of(serve.pid)
                self.assertGreaterEqual(len(children), 2)
                serve.stop(number)
                self.assertRegex(serve.err(), r"coretap: [\d,]+ fired, [\d,]+ delivered.*, 0 lost; in ")
                wait_until(lambda: not any(harness.alive(pid) for pid in children), "its helpers end with it")
                self.assertFalse(any(harness.read_semaphores(sim.node_pid, binary).values()), "let go")
                self.assertTrue(harness.alive(sim.node_pid))
                with self.assertRaises(OSError):
                    socket.create_connection((serve.host, serve.port), timeout=1)

    def test_nobody_reads_what_it_says(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ
        serve = subprocess.Popen([harness.CORETAP, "serve", "--sim", "--listen", "127.0.0.1:0", "--stats", "100ms"], stderr=writing)
        os.close(writing)
        self.addCleanup(lambda: serve.poll() is None and serve.kill())
        said = ""
        while not (at := re.search(r"the page is at http://127.0.0.1:(\d+)/", said)):
            said += os.read(reading, 4096).decode()
        # nothing is read any more
        def events():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{at.group(1)}/api/v1/snapshot", timeout=5) as answer:
                    return json.load(answer)["events"]
            except urllib.error.HTTPError:
                return 0
        time.sleep(5)
        before = wait_until(events, "events")
        wait_until(lambda: events() > before + 100, "tracing goes on", 5)
        serve.send_signal(signal.SIGTERM)
        self.assertEqual(serve.wait(10), 0)
        os.set_blocking(reading, False)
        self.assertIn("fired", os.read(reading, 65536).decode())

    def test_its_attacher_is_killed(self):
        serve = Serve(self, binary=self.sim_copy())
        os.kill(serve.attacher(), signal.SIGKILL)
        serve.expect(1)
        self.assertRegex(serve.err(), "coretap: .*other process.*gone")


class Rpc(http.server.ThreadingHTTPServer):
    """A node's RPC server: getmempoolinfo, uptime and getpeerinfo, for one password."""
    daemon_threads = True
    password = "secret"
    broken = False

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            import base64
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            right = base64.b64encode(f"coretap:{self.server.password}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {right}":
                return self.answer(401, b"")
            if self.server.broken:
                return self.answer(200, b"{]")
            calls = body if isinstance(body, list) else [body]
            answers = [self.result(call) for call in calls]
            if isinstance(body, list):
                return self.answer(200, json.dumps(answers).encode())
            self.answer(200 if answers[0]["error"] is None else 404, json.dumps(answers[0]).encode())

        def result(self, call):
            results = {"uptime": 4711, "getmempoolinfo": {"loaded": True, "size": 12345, "bytes": 678, "usage": 9},
                       "getpeerinfo": [{"id": 0, "addr": "1.2.3.4:8333", "transport_protocol_type": "v2", "mapped_as": 64500, "permissions": ["noban"]}]}
            if call["method"] in results:
                return {"result": results[call["method"]], "error": None, "id": call["id"]}
            return {"result": None, "error": {"code": -32601, "message": "Method not found"}, "id": call["id"]}

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def __init__(self, case):
        super().__init__(("127.0.0.1", 0), self.Handler)
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        case.addCleanup(self.server_close)
        case.addCleanup(self.shutdown)


class Asked(Serving):
    def serve(self, *args):
        binary = self.sim_copy()
        datadir = self.path("data/node")
        os.makedirs(datadir)
        serve = Serve(self, *args, binary=binary)
        sim = Sim(self, binary, "--rate", "200", f"-datadir={datadir}")
        return serve, sim, datadir

    def test_the_rpc_with_a_password(self):
        rpc = Rpc(self)
        password = self.write("password", "secret\n")
        os.chmod(password, 0o600)
        serve, _, _ = self.serve("--rpc", f"127.0.0.1:{rpc.server_port}", "--rpc-user", "coretap", "--rpc-password-file", password)
        node = serve.wait_api("rpc", lambda answer: answer["nodes"].get("node", {}).get("uptime_s") == 4711)["nodes"]["node"]
        self.assertEqual(node["state"], "ok")
        self.assertEqual(node["mempool"]["size"], 12345)
        self.assertEqual([(peer["id"], peer["transport_protocol_type"], peer["mapped_as"], peer["permissions"]) for peer in node["peers"]],
                         [(0, "v2", 64500, ["noban"])])
        self.assertEqual(node["methods"]["getrawaddrman"]["availability"], "missing")
        wait_until(lambda: re.search(r"^coretap_rpc\w*mempool\w* 12345$|mempool\w*\{[^}]*\} 12345$", serve.text("/metrics"), re.M), "in the metrics too")
        self.assertNotIn("secret", serve.text("/api/v1/config") + serve.text("/api/v1/rpc"))
        rpc.broken = True
        serve.wait_api("rpc", lambda answer: answer["nodes"]["node"]["state"] == "failing")
        self.assertEqual(serve.status("/readyz"), 200, "the rest goes on")
        rpc.broken = False
        serve.wait_api("rpc", lambda answer: answer["nodes"]["node"]["state"] == "ok")
        serve.wait_err("node: RPC: .* answers again")
        serve.stop()

    def test_a_wrong_password_is_said_once(self):
        rpc = Rpc(self)
        serve, _, _ = self.serve("--rpc", f"127.0.0.1:{rpc.server_port}", "--rpc-user", "coretap", "--rpc-password-file", self.write("password", "wrong\n"))
        serve.wait_api("rpc", lambda answer: answer["nodes"].get("node", {}).get("state") == "unauthorized")
        serve.wait_api("self", lambda answer: answer["uptime_ns"] > 3e9)
        self.assertEqual(len(re.findall("node: RPC: ", serve.err())), 1, serve.err())
        serve.stop()

    def test_no_rpc_at_all(self):
        serve, _, _ = self.serve()
        node = serve.wait_api("rpc", lambda answer: answer["nodes"].get("node", {}).get("state") not in (None, "not_tried"))["nodes"]["node"]
        self.assertEqual(node["state"], "no_password")
        serve.wait_err("node: RPC: ")
        self.assertEqual(serve.status("/readyz"), 200)
        opener, = serve.opener()
        self.assertEqual(status_of(opener)["Uid"].split()[0], "0", "who opens files for it keeps the right to")
        serve.stop()

    def test_it_is_not_asked(self):
        serve, _, _ = self.serve("--rpc", "off", "--debug-log", "off")
        serve.wait_api("peers", lambda answer: answer["peers"])
        self.assertEqual((serve.status("/api/v1/rpc"), serve.status("/api/v1/log")), (404, 404))
        self.assertEqual(serve.opener(), [], "nobody keeps a right that nobody needs")
        serve.stop()

    def test_debug_log_through_rotation(self):
        serve, _, datadir = self.serve("--rpc", "off")
        serve.wait_err("node: debug.log is not read")
        path = os.path.join(datadir, "debug.log")
        tip = "UpdateTip: new best=" + "0" * 60 + "{:04x} height=900001 version=0x20000000 log2_work=95.1 tx=1000 date='2026-11-26T00:00:00Z' progress=1.000000 cache=1.0MiB(1txo)\n"

        def write(number):
            with open(path, "a", encoding="utf-8") as log:
                log.write("2026-11-26T00:00:00Z " + tip.format(number))
            os.chmod(path, 0o600)
        write(1)
        serve.wait_api("log", lambda answer: answer["nodes"]["node"]["tips"] == 1)
        os.rename(path, path + ".1")
        write(2)
        node = serve.wait_api("log", lambda answer: answer["nodes"]["node"]["tips"] == 2)["nodes"]["node"]
        self.assertEqual((node["following"], node["rotations"]), (True, 1))
        os.remove(path)
        serve.wait_api("log", lambda answer: "there is no" in answer["nodes"]["node"]["problem"])
        self.assertEqual(serve.status("/readyz"), 200)
        serve.stop()

    def test_what_makes_no_sense(self):
        for args, says in ((("--rpc", "maybe"), "--rpc: 'maybe' is neither auto nor off nor an address and port"),
                           (("--rpc", "127.0.0.1"), "an address and port"),
                           (("--rpc-user", "me"), "--rpc-user and --rpc-password-file go together"),
                           (("--rpc", "off", "--rpc-cookie", "/x"), "--rpc off"),
                           (("--debug-log", "maybe"), "debug-log"),
                           (("--rpc-user", "me", "--rpc-password-file", "/nowhere/x"), "cannot read a password from /nowhere/x")):
            with self.subTest(args):
                serve = Serve(self, "--sim", *args, serving=False)
                self.assertNotEqual(serve.wait(), 0)
                self.assertIn(says, serve.err())


if __name__ == "__main__":
    harness.main()
