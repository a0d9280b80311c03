"""`coretap serve` as tests see it: the program, requests, and a WebSocket client of the standard library."""
import base64
import collections
import http.client
import json
import os
import re
import socket
import struct
import urllib.parse

import harness
from harness import Program, children_of, status_of, wait_until


class Serve(Program):
    """coretap serve on a free port. With `serving` it waits until the page's address is said."""

    def __init__(self, case, *args, binary=None, serving=True, prefix=(), name=None, listen="127.0.0.1:0", env=None, **more):
        node = ("--binary", binary) if binary else ()
        address = ("--listen", listen) if listen is not None else ()
        super().__init__(case, [*prefix, harness.CORETAP, "serve", *address, *node, *args], name or case.fresh("serve"),
                         env={"CORETAP_CONFIG": "", **(env or {})}, **more)  # not what this machine is configured to do
        self.url = None
        if serving:
            self.url = self.wait_err(r"the page is at (http\S+)").group(1)
            address = urllib.parse.urlparse(self.url)
            self.host, self.port = address.hostname, address.port

    def reload(self):
        """SIGHUP; what it says about it."""
        said = "coretap: (?:not )?reloaded.*\n"
        before = len(re.findall(said, self.err()))
        self.send(harness.signal.SIGHUP)
        return self.wait_err(said, before + 1).group(0).rstrip("\n")

    def request(self, path, headers=None, method="GET"):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=harness.PATIENCE)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def status(self, path, headers=None, method="GET"):
        return self.request(path, headers, method)[0]

    def text(self, path, headers=None):
        status, _, body = self.request(path, headers)
        if status != 200:
            raise AssertionError(f"{path}: {status}, {body[:500]}")
        return body.decode()

    def api(self, path, headers=None):
        return json.loads(self.text("/api/v1/" + path, headers))

    def wait_api(self, path, wanted, patience=None):
        """The first answer for which wanted(answer); a 503 or 404 is waited out."""
        last = None

        def look():
            nonlocal last
            status, _, body = self.request("/api/v1/" + path)
            last = body
            if status != 200:
                return None
            answer = json.loads(body)
            return answer if wanted(answer) else None
        return wait_until(look, lambda: f"/api/v1/{path} as wanted from {self.name}; the last answer was {last[:3000]}\n{self.err()}", patience, every=0.1)

    def node(self, label="node"):
        return next((node for node in self.api("nodes")["nodes"] if node["label"] == label), None)

    def attacher(self):
        return wait_until(lambda: [pid for pid in children_of(self.pid) if status_of(pid).get("Name", "").strip() == "coretap-attach"],
                          "coretap's attacher")[0]

    def opener(self):
        return [pid for pid in children_of(self.pid) if status_of(pid).get("Name", "").strip() == "coretap-open"]

    def stop(self, number=harness.signal.SIGINT, status=0):
        if self.process.poll() is None:
            self.send(number)
        return self.expect(status)


def messages_of(answer):
    """/api/v1/messages by (direction, connection type, message type): (messages, bytes)."""
    return {(direction, conn_type, kind): (row["count"], row["bytes"])
            for direction, of_direction in answer["messages"].items() for conn_type, kinds in of_direction.items() for kind, row in kinds.items()}


def fired_messages(log, known):
    """The same of the stand-in's log; types that are not `known` are `other`."""
    sums = collections.defaultdict(lambda: [0, 0])
    for line in log:
        if line["event"] in ("net:inbound_message", "net:outbound_message"):
            args = line["args"]
            row = sums["in" if "inbound" in line["event"] else "out", args["conn_type"], args["msg_type"] if args["msg_type"] in known else "other"]
            row[0] += 1
            row[1] += args["size"]
    return {key: tuple(row) for key, row in sums.items()}


class WebSocket:
    """RFC 6455 as far as a client of /ws needs it."""

    def __init__(self, case, serve, headers=None):
        self.socket = socket.create_connection((serve.host, serve.port), timeout=harness.PATIENCE)
        case.addCleanup(self.socket.close)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": f"{serve.host}:{serve.port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
                 "Sec-WebSocket-Version": "13", **(headers or {})}
        self.socket.sendall(("GET /ws HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(re.match(rb"HTTP/1.1 (\d+)", head).group(1))
        self.close_code = None
        self.dropped = self.sampled_out = 0

    def _fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the connection ended")
        self.buffer += data

    def _take(self, size):
        while len(self.buffer) < size:
            self._fill()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def send(self, message, opcode=1):
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        mask = os.urandom(4)
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def receive(self):
        """The next message; None when the server closed."""
        text = b""
        while True:
            first, second = self._take(2)
            length = second & 0x7F
            if length == 126:
                length, = struct.unpack(">H", self._take(2))
            elif length == 127:
                length, = struct.unpack(">Q", self._take(8))
            data = self._take(length)
            opcode = first & 0x0F
            if opcode == 8:
                self.close_code, = struct.unpack(">H", data[:2])
                return None
            if opcode == 9:
                self.send(data, opcode=10)
            elif opcode in (0, 1):
                text += data
                if first & 0x80:
                    return json.loads(text)

    def subscribe(self, **more):
        """The hello that answers."""
        self.send({"type": "subscribe", **more})
        return self.receive_kind("hello")

    def receive_kind(self, kind):
        while True:
            message = self.receive()
            if message is None:
                raise AssertionError(f"closed ({self.close_code}) before a {kind}")
            if message["type"] == kind:
                return message
            if message["type"] == "error":
                raise AssertionError(f"{message}")

    def events(self, enough):
        """Events until enough(list); what was left out is counted."""
        got = []
        while not enough(got):
            message = self.receive_kind("events")
            self.dropped += message["dropped"]
            self.sampled_out += message["sampled_out"]
            got += message["events"]
        return got
