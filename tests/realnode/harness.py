"""What the tests against a real bitcoind share: nodes, their RPC, their captured messages, `coretap log`, a small P2P peer.

Environment: BITCOIND, the path of a bitcoind with tracepoints (without it: exit status 77, skipped); CORETAP, the program
(default: build/bin/coretap); CORETAP_REQUIRE_BPF=1: fail where the right to trace is missing, instead of skipping.

Others may run the same bitcoind on this machine, and coretap shows them too: always look at the events of one's own nodes.
"""
import atexit
import base64
import collections
import contextlib
import ctypes
import datetime
import decimal
import functools
import hashlib
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

SKIPPED = 77
PATIENCE_S = 30     # for what takes milliseconds on a machine that is not busy
TAP_LIFE_S = 170    # coretap ends by itself, should these tests be killed
COIN = 100_000_000

BITCOIND = os.environ.get("BITCOIND", "")
CORETAP = os.environ.get("CORETAP") or str(pathlib.Path(__file__).resolve().parents[2] / "build/bin/coretap")


def wait_until(look, what, timeout=PATIENCE_S, pause=0.03):
    """The first true value of look(); fails, naming `what` (a string, or called for one), if none comes in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(pause)


def satoshi(amount):
    """A bitcoin amount of the RPC in satoshi."""
    return int((amount * COIN).to_integral_exact())


_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_running = set()


def _spawn(command, **kwargs):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent, **kwargs)
    _running.add(process)
    return process


def _reap(process):
    if process.poll() is None:
        process.kill()
        process.wait()
    _running.discard(process)


@atexit.register
def _reap_all():
    for process in list(_running):
        _reap(process)


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class RpcError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


Captured = collections.namedtuple("Captured", "time_us type payload")


def parse_capture(path):
    """The messages of a msgs_recv.dat or msgs_sent.dat (format: contrib/message-capture of Bitcoin Core)."""
    data = path.read_bytes() if path.exists() else b""
    messages = []
    at = 0
    while at < len(data):
        time_us, name, size = struct.unpack_from("<Q12sI", data, at)
        at += 24
        if at + size > len(data):
            raise AssertionError(f"{path} ends within a message")
        messages.append(Captured(time_us, name.rstrip(b"\0").decode("ascii"), data[at:at + size]))
        at += size
    return messages


class Node:
    """A regtest bitcoind with a data directory of its own. Started with start(); every life of it is in `pids`."""

    def __init__(self, name, *args, binary=None, listen=False):
        self.binary = binary or BITCOIND
        self.label = f"{name}-{os.getpid()}"  # the directory's name is coretap's label: unlike that of others on this machine
        self._parent = tempfile.mkdtemp(prefix="coretap-realnode-")
        self.datadir = os.path.join(self._parent, self.label)
        os.mkdir(self.datadir)
        self.args = args
        self.listen = listen
        self.port = self.onion_port = self.rpc_port = None
        self.pids = []
        self.started_at = {}  # pid -> UTC seconds
        self._process = None

    @property
    def pid(self):
        return self.pids[-1]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def spawn(self):
        """Start without waiting for anything."""
        cookie = pathlib.Path(self.datadir, "regtest/.cookie")
        cookie.unlink(missing_ok=True)
        command = [self.binary, "-regtest", f"-datadir={self.datadir}", f"-rpcport={self.rpc_port}", "-server", "-printtoconsole=0",
                   "-dnsseed=0", "-fixedseeds=0", "-discover=0", "-listenonion=0", "-natpmp=0", "-persistmempool=0", "-keypool=5",
                   "-fallbackfee=0.0002", "-par=1", "-rpcthreads=2", "-capturemessages"]
        if self.listen:
            command += [f"-bind=127.0.0.1:{self.port}", f"-bind=127.0.0.1:{self.onion_port}=onion"]
        else:
            command += ["-listen=0"]
        self._process = _spawn(command + list(self.args), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pids.append(self._process.pid)
        self.started_at[self.pid] = time.time()

    def start(self):
        for attempt in range(3):
            if self.rpc_port is None or attempt:
                self.port, self.onion_port, self.rpc_port = _free_ports(3)
            self.spawn()
            if self._answers():
                return self
            words = self._process.stderr.read().decode(errors="replace")
            self._close()
            if "bind" not in words.lower():  # else somebody took a port in between
                break
        raise AssertionError(f"bitcoind did not start: {words}")

    def _answers(self):
        def look():
            if self._process.poll() is not None:
                return "ended"
            try:
                self.rpc("getblockcount")
                return "answers"
            except (OSError, RpcError, http.client.HTTPException):
                return None
        return wait_until(look, "bitcoind answers RPC") == "answers"

    def rpc(self, method, *params, wallet=None):
        cookie = pathlib.Path(self.datadir, "regtest/.cookie").read_bytes()
        path = "/" if wallet is None else "/wallet/" + urllib.parse.quote(wallet)
        connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port, timeout=60)
        try:
            connection.request("POST", path, json.dumps({"id": 0, "method": method, "params": params}),
                               {"Authorization": "Basic " + base64.b64encode(cookie).decode(), "Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read() or '{"error":{"code":0,"message":"empty answer"}}', parse_float=decimal.Decimal)
        finally:
            connection.close()
        if answer.get("error"):
            raise RpcError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def peers(self):
        return self.rpc("getpeerinfo")

    def captured(self, direction):
        """Peer address -> what the node captured, `direction` in or out, in order."""
        name = {"in": "msgs_recv.dat", "out": "msgs_sent.dat"}[direction]
        folders = pathlib.Path(self.datadir, "regtest/message_capture").glob("*")
        return {":".join(folder.name.rsplit("_", 1)): messages for folder in folders if (messages := parse_capture(folder / name))}

    def debug_log(self):
        return pathlib.Path(self.datadir, "regtest/debug.log").read_text(errors="replace")

    def _close(self):
        self._process.stderr.close()
        _reap(self._process)

    def stop(self):
        """Stop it in order, and wait for its end."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("bitcoind did not stop") from None
        finally:
            self._close()
        if self._process.returncode != 0:
            raise AssertionError(f"bitcoind ended with {self._process.returncode}")

    def kill(self):
        """End it as a power cut would."""
        if self._process is not None:
            self._close()

    def clean(self):
        self.kill()
        shutil.rmtree(self._parent, ignore_errors=True)


class Event:
    """A line of `coretap log --json`. Taken apart when first looked at: most may be of other people's nodes."""
    HEAD = re.compile(rb'\{"ts": ?"[^"]*", ?"mono_ns": ?\d+, ?"event": ?"([a-z_0-9:]+)", ?"node": ?(?:null|"(?:[^"\\]|\\.)*"), ?"pid": ?(\d+)')

    def __init__(self, line, number):
        head = self.HEAD.match(line)
        if head is None:
            raise ValueError("not an event")
        self._line = line
        self.number = number
        self.name = head[1].decode()
        self.pid = int(head[2])

    @property
    def spoiled(self):
        """Whether something of it was cut, shed, or could not be read."""
        return not self._line.endswith(b"}}\n") and bool({"faults", "cut", "shed"} & self.raw.keys())

    @functools.cached_property
    def raw(self):
        return json.loads(self._line)

    @property
    def args(self):
        return self.raw["args"]

    @property
    def tid(self):
        return self.raw["tid"]

    @property
    def mono_ns(self):
        return self.raw["mono_ns"]

    @property
    def label(self):
        return self.raw["node"]

    def __getattr__(self, name):
        try:
            return self.args[name]
        except KeyError:
            raise AttributeError(f"{name} in {self}") from None

    def __repr__(self):
        text = self._line.decode(errors="replace").rstrip()
        return text if len(text) < 400 else text[:400] + "…"

    @property
    def utc_us(self):
        whole, fraction = self.raw["ts"].rstrip("Z").split(".")
        seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
        return int(seconds) * 1_000_000 + int(fraction) // 1000

    @property
    def direction(self):
        return {"net:inbound_message": "in", "net:outbound_message": "out"}.get(self.name)

    @property
    def captured_payload(self):
        return bytes.fromhex(self.args.get("payload", ""))


class Tap:
    """`coretap log --json` with all payloads. The constructor returns once it is attached."""

    def __init__(self, *args, binary=None):
        self.words = []
        self.exit_status = None
        self._events = []
        self._unreadable = []
        self._process = _spawn([CORETAP, "log", "--json", "--payload", "all", "--summary", "--stats", "0", "--duration", f"{TAP_LIFE_S}s",
                                "--binary", binary or BITCOIND, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._readers = [threading.Thread(target=self._read_events, daemon=True), threading.Thread(target=self._read_words, daemon=True)]
        for reader in self._readers:
            reader.start()
        self.wait_for_words(r"attached to \d+ tracepoints of ")

    def _read_events(self):
        with self._process.stdout as lines:
            for line in lines:
                try:
                    self._events.append(Event(line, len(self._events)))
                except ValueError as error:
                    self._unreadable.append((error, line[:400]))

    def _read_words(self):
        with self._process.stderr as lines:
            for line in lines:
                self.words.append(line.decode(errors="replace").rstrip("\n"))

    def said(self, pattern):
        return [line for line in list(self.words) if re.search(pattern, line)]

    def wait_for_words(self, pattern, times=1):
        def look():
            if len(self.said(pattern)) >= times:
                return True
            if self._process.poll() is not None:
                raise AssertionError(f"coretap ended with {self._process.returncode}: {self.words}")
            return False
        wait_until(look, lambda: f"coretap says {pattern!r}; it said {self.words}")

    def events(self, *names, pids=None, since=0, **args):
        """Events so far, in the log's order; of these names, nodes, and values of arguments."""
        return [event for event in self._events[since:]
                if (pids is None or event.pid in pids) and (not names or event.name in names) and all(event.args.get(k) == v for k, v in args.items())]

    def wait_for(self, *names, count=1, **kwargs):
        """As events(), once there are `count`."""
        def look():
            found = self.events(*names, **kwargs)
            return found if len(found) >= count else None
        return wait_until(look, lambda: f"{count} of {names} {kwargs}; there are {self.events(*names, pids=kwargs.get('pids'))[-5:]}")

    def mark(self):
        """For `since`: only what comes from here on."""
        return len(self._events)

    def stop(self):
        """End coretap as Ctrl-C does, then check what holds for every run."""
        if self.exit_status is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self.exit_status = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("coretap did not end on SIGINT") from None
        finally:
            _reap(self._process)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        problems = []
        if self.exit_status != 0:
            problems.append(f"coretap's exit status is {self.exit_status}")
        if self._unreadable:
            problems.append(f"unreadable lines: {self._unreadable[:3]}")
        if lost := self.events("coretap:lost"):
            problems.append(f"events were lost: {lost}")
        ledger = re.search(r"([\d,]+) fired, ([\d,]+) delivered(?:, ([\d,]+) only counted)?, ([\d,]+) lost", "\n".join(self.words))
        if ledger is None:
            problems.append("coretap said no totals")
        else:
            fired, delivered, counted, lost = (int((each or "0").replace(",", "")) for each in ledger.groups())
            if fired != delivered + counted + lost:
                problems.append(f"fired {fired}, but delivered {delivered}, only counted {counted}, lost {lost}")
            shown = len([event for event in self._events if not event.name.startswith("coretap:")])
            if shown != delivered:
                problems.append(f"delivered {delivered}, but {shown} lines")
        if faulty := [event for event in self._events if event.spoiled]:
            problems.append(f"faults, cut or shed: {faulty[:3]}")
        if problems:
            raise AssertionError("; ".join(problems) + "\n" + "\n".join(self.words[-40:]))

    def kill(self):
        _reap(self._process)


class Serve:
    """`coretap serve` on a port of its own. The constructor returns once it is attached."""

    def __init__(self, *args):
        self.words = []
        self.exit_status = None
        self._process = _spawn([CORETAP, "serve", "--listen", "127.0.0.1:0", "--duration", f"{TAP_LIFE_S}s", "--binary", BITCOIND, *args],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read_words, daemon=True)
        self._reader.start()
        self.url = self.wait_for_words(r"the page is at (http\S+)/").group(1)
        self.wait_for_words(r"attached to \d+ tracepoints of ")

    def _read_words(self):
        with self._process.stderr as lines:
            for line in lines:
                self.words.append(line.decode(errors="replace").rstrip("\n"))

    def wait_for_words(self, pattern):
        def look():
            found = next(filter(None, (re.search(pattern, line) for line in list(self.words))), None)
            if found is None and self._process.poll() is not None:
                raise AssertionError(f"coretap ended with {self._process.returncode}: {self.words}")
            return found
        return wait_until(look, lambda: f"coretap says {pattern!r}; it said {self.words}")

    def get(self, path):
        """The text at a path; None where there is none (yet)."""
        address = urllib.parse.urlparse(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        if answer.status in (404, 503):
            return None
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {body[:400]}")
        return body

    def api(self, path):
        text = self.get("/api/v1/" + path)
        return None if text is None else json.loads(text)

    def metrics(self):
        """(name, labels as a frozenset of pairs) -> value"""
        values = {}
        for line in self.get("/metrics").splitlines():
            if not line.startswith("#"):
                name, labels, value = re.fullmatch(r'(\w+)(?:\{(.*)\})? (\S+)', line).groups()
                values[name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))] = float(value)
        return values

    def stop(self):
        """End it as systemd does; its exit status."""
        if self.exit_status is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self.exit_status = self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                raise AssertionError("coretap did not end on SIGTERM") from None
            finally:
                self.kill()
        return self.exit_status

    def kill(self):
        _reap(self._process)
        self._reader.join(PATIENCE_S)


class Peer:
    """A P2P peer of few words, v1 transport."""

    MAGIC = bytes.fromhex("fabfb5da")  # regtest

    def __init__(self, port, handshake=True):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._buffer = b""
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        if handshake:
            self.send("version", struct.pack("<iQq", 70016, 0, int(time.time())) + bytes(26 + 26) + b"coretap!" + b"\x09/realnode" + struct.pack("<iB", 0, 1))
            self.receive("version")
            self.send("verack")
            self.receive("verack")

    def send(self, name, payload=b""):
        checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        self._socket.sendall(self.MAGIC + name.encode().ljust(12, b"\0") + struct.pack("<I", len(payload)) + checksum + payload)

    def _take(self, size):
        while len(self._buffer) < size:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the node closed the connection")
            self._buffer += data
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def receive(self, name):
        """The payload of the next message of this type; others are passed over."""
        while True:
            header = self._take(24)
            payload = self._take(struct.unpack_from("<I", header, 16)[0])
            if header[4:16].rstrip(b"\0") == name.encode():
                return payload

    @contextlib.contextmanager
    def pinging(self):
        """Meanwhile, pings as fast as the node takes them. What it answers is thrown away: do not receive()."""
        stop = threading.Event()

        def send():
            while not stop.is_set():
                self.send("ping", os.urandom(8))

        def drain():
            while not stop.is_set():
                if select.select([self._socket], [], [], 0.1)[0]:
                    self._socket.recv(1 << 20)
        threads = [threading.Thread(target=each, daemon=True) for each in (send, drain)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE_S)

    def wait_closed(self):
        """Until the node hangs up."""
        while True:
            if not select.select([self._socket], [], [], PATIENCE_S)[0]:
                raise AssertionError("the node did not close the connection")
            try:
                if not self._socket.recv(1 << 16):
                    return
            except ConnectionError:
                return

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class TestCase(unittest.TestCase):
    """A class's nodes and coretap: set up once, in setUpClass, through cls.node() and cls.tap()."""
    maxDiff = 4000

    @classmethod
    def node(cls, *args, **kwargs):
        node = Node(*args, **kwargs)
        cls.addClassCleanup(node.clean)
        return node

    @classmethod
    def tap(cls, *args, **kwargs):
        tap = Tap(*args, **kwargs)
        cls.addClassCleanup(tap.kill)
        return tap

    @classmethod
    def serve(cls, *args):
        serve = Serve(*args)
        cls.addClassCleanup(serve.kill)
        return serve

    def check_stream(self, tap, node):
        """What holds for all events of one node: introduced before its first, named in each, in the order of firing."""
        for pid in node.pids:
            events = tap.events(pids={pid})
            self.assertTrue(events, "events of the node")
            self.assertEqual(events[0].name, "coretap:node_found", "the node is introduced before its first event")
            found = events[0]
            self.assertEqual((found.args["label"], found.datadir, found.chain), (node.label, node.datadir, "regtest"))
            self.assertEqual(found.executable, os.path.realpath(node.binary))
            self.assertIn(b"GNU\0" + bytes.fromhex(found.build_id), pathlib.Path(node.binary).read_bytes())
            self.assertLessEqual(abs(found.started_at - node.started_at[pid]), 1.5)
            times = [event.mono_ns for event in events if not event.name.startswith("coretap:")]
            self.assertEqual(times, sorted(times))
            for event in events:
                self.assertEqual(event.label, node.label, event)
                self.assertEqual(event.raw["node_started_at"], found.started_at, event)

    def check_captures(self, tap, node, attached_us=None):
        """The messages in the log are, byte for byte, those the node captured, for each peer and direction, with nothing
        missing on either side. Had the node been running when coretap was attached, at attached_us: from then on."""
        for direction in ("in", "out"):
            logged = collections.defaultdict(list)
            for event in tap.events(pids=set(node.pids)):
                if event.direction == direction:
                    logged[event.addr].append(event)
            captured = node.captured(direction)
            if attached_us is None:
                self.assertEqual(sorted(logged), sorted(captured), f"peers, {direction}")
            for addr, messages in captured.items():
                self._check_capture(logged[addr], messages, attached_us, f"{direction} {addr}")

    def _check_capture(self, events, messages, attached_us, what):
        if attached_us is not None:
            skipped = len(messages) - len(events)
            self.assertGreaterEqual(skipped, 0, f"{what}: more was logged than captured")
            self.assertTrue(all(message.time_us <= attached_us for message in messages[:skipped]), f"{what}: messages after attaching are missing")
            messages = messages[skipped:]
        log = [(event.msg_type, event.captured_payload) for event in events]
        capture = [(message.type, message.payload) for message in messages]
        brief = [[(name, len(payload)) for name, payload in each] for each in (log, capture)]
        self.assertEqual(collections.Counter(log), collections.Counter(capture), f"{what}\nlogged {brief[0]}\ncaptured {brief[1]}")
        for event in events:
            self.assertEqual(event.size, len(event.captured_payload), event)
        # Two threads that send to a peer may be overtaken between capturing and the tracepoint: each for itself keeps the order.
        for tid in {event.tid for event in events}:
            rest = iter(capture)
            for event in events:
                if event.tid == tid:
                    self.assertTrue(any(each == (event.msg_type, event.captured_payload) for each in rest), f"{what}: order differs: {brief}")
        if log != capture:
            self.assertGreater(len({event.tid for event in events}), 1, f"{what}: order differs: {brief}")
            return
        for event, message in zip(events, messages):
            self.assertLess(abs(event.utc_us - message.time_us), 2_000_000, event)


def main():
    """In place of unittest.main(): skips where the tests cannot run."""
    def skip(why):
        if os.environ.get("CORETAP_REQUIRE_BPF") == "1":
            sys.exit(f"realnode: {why}, and CORETAP_REQUIRE_BPF=1")
        print(f"realnode: skipped: {why}")
        sys.exit(SKIPPED)
    if not BITCOIND:
        print("realnode: skipped: BITCOIND is not set; make test-realnode BITCOIND=/path/to/bitcoind, built with tracepoints")
        sys.exit(SKIPPED)
    if not os.access(BITCOIND, os.X_OK) or os.path.isdir(BITCOIND):
        sys.exit(f"realnode: BITCOIND={BITCOIND} is not a program")
    if not os.access(CORETAP, os.X_OK):
        sys.exit(f"realnode: there is no coretap at {CORETAP}; make build, or set CORETAP")
    check = subprocess.run([CORETAP, "log", "--check", "--binary", BITCOIND], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if check.returncode == 3:
        skip(check.stderr.strip())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unittest.main(module="__main__", verbosity=2)
