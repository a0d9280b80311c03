#!/usr/bin/env python3
"""coretap serve in operation: its configuration, SIGHUP, several nodes, a disk that fills up."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import harness
from harness import NOBODY, Case, Sim, status_of, wait_until
from serving import Serve, WebSocket

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OLD, NEW = "an old token, long enough", "a new token, long enough"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class Operation(Case):
    def secret(self, name, text):
        """A file that only root may read."""
        path = self.write(name, text)
        os.chmod(path, 0o600)
        return path

    def config(self, text):
        return self.secret("coretap.toml", text)

    def certificate(self, name):
        """A certificate for `name` in cert.pem and its key in key.pem."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")], check=True, capture_output=True)

    def check(self, *args, env=None):
        return self.run_coretap("config", "check", *args, env={"CORETAP_CONFIG": "", **(env or {})})


class Configuration(Operation):
    def test_from_file_and_environment(self):
        self.secret("token", OLD + "\n")
        config = self.config(f'[serve]\nlisten = "127.0.0.1:0"\ntoken-file = "token"\nbinary = "{self.sim_copy()}"\nrpc = "auto"\nhost = ["a.example"]\n'
                             '[trace]\nring = "1MiB"\n')
        serve = Serve(self, "--config", config, "--host", "b.example", listen=None, env={"CORETAP_RPC": "off"})
        self.assertEqual(serve.status("/api/v1/config"), 401)
        shown = serve.api("config", bearer(OLD))
        self.assertEqual((shown["token"], shown["rpc"], shown["ring_bytes"], shown["hosts"], shown["file"]), (True, "off", 1 << 20, ["b.example"], config))
        settings = shown["settings"]
        self.assertEqual({name: (row["value"], row["said_by"]) for name, row in settings.items() if row["said_by"] != "default"},
                         {"listen": ("127.0.0.1:0", "file"), "token-file": (self.path("token"), "file"), "binary": (self.path("node"), "file"),
                          "rpc": ("off", "environment"), "host": (["b.example"], "command line"), "ring": ("1MiB", "file")})
        self.assertEqual([settings[name]["where"] for name in ("listen", "rpc", "host", "keep")], [f"{config}:2:1", "CORETAP_RPC", "--host", None])
        self.assertNotIn(OLD, json.dumps(shown))
        self.assertEqual(status_of(serve.pid)["Uid"].split()[0], str(NOBODY))
        serve.stop()

    def test_named_by_the_environment(self):
        config = self.config("[serve]\nquiet = true\nlisten = 0\n")
        serve = Serve(self, "--sim", listen=None, env={"CORETAP_CONFIG": config})
        self.assertEqual(serve.api("config")["file"], config)
        serve.stop()

    def test_what_makes_no_sense_is_said_with_its_place(self):
        for text, env, status, pattern in (("[serve]\nlisten = true", {}, 2, r"toml:2:10: 'listen' is a string or a number"),
                                           ("[serve]\nlistn = 1", {}, 2, r"toml:2:1: unknown key 'listn' in \[serve\]; did you mean 'listen'\?"),
                                           ("", {"CORETAP_LISTEN": "there"}, 2, "^coretap: CORETAP_LISTEN: 'there' is not an address"),
                                           ("", {"CORETAP_KEEP": "none"}, 2, r"^coretap: CORETAP_KEEP: 'none' is not a number of parts"),
                                           ("[serve]\ntoken-file = 'none'", {}, 4, r"cannot read a token from .*/none: No such file"),
                                           ("[serve]\nkeep = 3", {}, 2, "--keep")):
            with self.subTest(text + str(env)):
                config = self.config(text + "\n")
                serve = Serve(self, "--sim", "--config", config, serving=False, listen=None, env=env).expect(status)
                self.assertRegex(serve.err(), pattern)
                self.assertNotIn("attached", serve.err())
                checked = self.check(config, env=env)
                self.assertEqual((checked.returncode, checked.stdout), (status, ""))
                self.assertEqual(checked.stderr, serve.err(), "as serve says it")

    def test_check(self):
        self.secret("token", OLD)
        self.certificate("one")
        good = "[serve]\ntoken-file = 'token'\nlisten = '0.0.0.0:8400'\ntls-cert = 'cert.pem'\ntls-key = 'key.pem'\n"
        config = self.config(good + "[trace]\nring = '1MiB'\n[[tracepoint]]\nprovider = 'mine'\nname = 'own'\n")
        checked = self.check(config, env={"CORETAP_STATS": "30s"})
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertRegex(checked.stdout, rf"\A{config} is in order\n")
        self.assertRegex(checked.stdout, rf'(?m)^listen +"0.0.0.0:8400" +{config}:3:1$')
        self.assertRegex(checked.stdout, r'(?m)^stats +"30s" +CORETAP_STATS$')
        self.assertRegex(checked.stdout, r"(?m)^rpc +auto +by default$")
        self.assertRegex(checked.stdout, r"(?m)^\[\[tracepoint\]\] +mine:own, 0 arguments$")
        self.assertNotIn(OLD, checked.stdout)
        by_variable = self.check("--json", env={"CORETAP_CONFIG": config})
        answer = json.loads(by_variable.stdout)
        self.assertEqual((answer["file"], answer["settings"]["ring"]["value"], answer["settings"]["quiet"]["value"]), (config, "1MiB", False))

        for text, status, pattern in (("listen = '0.0.0.0'", 2, "can be reached from outside"), ("only = ['net']", 2, "unknown key 'only'"),
                                      ("from = ['none.ctap']", 4, "from: cannot read .*/none.ctap"), ("record = 'none/a.ctap'", 4, "record: there is no directory"),
                                      ("since = '+1s'", 2, "--since is for recordings"), ("pid = 1\nbinary = '/x'", 2, "one of them")):
            with self.subTest(text):
                checked = self.check(self.config(f"[serve]\n{text}\n"))
                self.assertEqual(checked.returncode, status, checked.stderr)
                self.assertRegex(checked.stderr, pattern)
        self.write("token", "short")
        self.assertRegex(self.check(self.config(good)).stderr, "token is too short")
        self.write("token", OLD)
        os.rename(self.path("key.pem"), self.path("other.pem"))
        self.certificate("two")
        os.rename(self.path("other.pem"), self.path("key.pem"))
        checked = self.check(self.config(good))
        self.assertEqual(checked.returncode, 2)
        self.assertRegex(checked.stderr, r"the TLS key is not that of the certificate \(the certificate is .*/cert.pem, the key .*/key.pem\)")
        self.assertEqual(self.check(self.path("absent.toml")).returncode, 4)
        os.chmod(self.directory, 0o755)
        denied = self.run_coretap("config", "check", self.config(""), prefix=("setpriv", "--reuid", str(NOBODY), "--clear-groups", "--inh-caps=-all"))
        self.assertEqual(denied.returncode, 3, denied.stderr)
        self.assertRegex(denied.stderr, "coretap.toml: Permission denied")

    def test_the_example_in_contrib(self):
        checked = self.check(os.path.join(ROOT, "contrib", "coretap.toml"))
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))


class Reload(Operation):
    def test_token_names_and_what_needs_a_restart(self):
        self.secret("token", OLD)
        head = f'[serve]\nbinary = "{self.sim_copy()}"\ntoken-file = "token"\n'
        config = self.config(head + "listen = 0\n")
        serve = Serve(self, "--config", config, listen=None)
        stream = WebSocket(self, serve, bearer(OLD))
        stream.subscribe()
        self.assertEqual(serve.status("/api/v1/config", bearer(OLD)), 200)
        self.assertEqual(serve.status("/api/v1/config", {**bearer(OLD), "Host": "new.example"}), 421)

        # files that only root may read, for a process that is nobody
        self.secret("token", NEW)
        self.config(head + 'listen = 8400\nhost = ["new.example"]\n[trace]\nring = "1MiB"\n')
        self.assertEqual(serve.reload(), f"coretap: reloaded {config}; changed, but in force only after a restart: listen, ring")
        wait_until(lambda: serve.status("/api/v1/config", bearer(NEW)) == 200, "the new token")
        self.assertEqual(serve.status("/api/v1/config", bearer(OLD)), 401)
        self.assertEqual(serve.status("/api/v1/config", {**bearer(NEW), "Host": "new.example"}), 200)
        shown = serve.api("config", bearer(NEW))
        self.assertEqual((shown["listen"], shown["ring_bytes"], shown["hosts"]), ("0", 16 << 20, ["new.example"]), "what is in force")
        reload = wait_until(lambda: serve.api("self", bearer(NEW)).get("reload"), "what became of it")
        self.assertEqual((reload["outcome"], reload["problem"], reload["needs_restart"]), ("taken", None, ["listen", "ring"]))
        self.assertAlmostEqual(reload["at_utc_ms"] / 1000, time.time(), delta=60)
        stream.send({"type": "subscribe"})
        self.assertEqual(stream.receive_kind("hello")["type"], "hello", "who was there stays")

        # an error changes nothing
        for number, (text, token, problem) in enumerate((("listen = [", NEW, "coretap.toml:4:.*not valid TOML"),
                                                         ("listen = 0\nhots = []", NEW, "coretap.toml:5:1: unknown key 'hots'.*did you mean 'host'"),
                                                         ("listen = 0", "short", "token is too short"),
                                                         ("listen = 0\nstats = 'often'", NEW, "coretap.toml:5:9: stats: ")), 1):
            self.secret("token", token)
            self.config(head + text + "\n")
            self.assertRegex(serve.reload(), f"^coretap: not reloaded, everything stays as it was: .*{problem}")
            self.assertEqual(serve.status("/api/v1/config", {**bearer(NEW), "Host": "new.example"}), 200)
            reload = wait_until(lambda: (row := serve.api("self", bearer(NEW))["reload"])["outcome"] == "refused" and re.search(problem, row["problem"]) and row, "why not")
            self.assertEqual(reload["needs_restart"], [])
            self.assertIn(f"coretap_config_reload_failures_total {number}\n", serve.text("/metrics", bearer(NEW)))
        serve.stop()

    def test_lists_of_addresses(self):
        self.secret("everybody.txt", "0.0.0.0/0\n::/0\n")
        self.secret("nobody.txt", "# none yet\n")
        binary = self.sim_copy()
        config = self.config(f'[serve]\nbinary = "{binary}"\nlisten = 0\naddress-list = ["everybody.txt", "nobody.txt"]\n')
        serve = Serve(self, "--config", config, listen=None)
        Sim(self, binary, "--scenario", "mainnet", "--rate", "500")
        # but for those the node was told by name
        lists_of = lambda answer: [peer["lists"] for peer in answer["peers"] if re.match(r"[\d.]+:|\[[2-9]", peer["address"])]
        lists = lists_of(serve.wait_api("peers", lambda answer: len(lists_of(answer)) > 3))
        self.assertEqual(lists, [["everybody"]] * len(lists))
        counted = lambda name: int(re.search(rf'^coretap_listed_connections_total\{{node="node",list="{name}",direction="in"\}} (\d+)$', serve.text("/metrics"), re.M).group(1))
        before = wait_until(lambda: counted("everybody"), "a connection that is counted")
        self.assertEqual(counted("nobody"), 0)

        # only root may read the file; the process is nobody
        self.secret("nobody.txt", "0.0.0.0/0\n::/0\n")
        self.assertEqual(serve.reload(), f"coretap: reloaded {config}")
        serve.wait_api("peers", lambda answer: (lists := lists_of(answer)) and lists == [["everybody", "nobody"]] * len(lists))
        self.assertGreaterEqual(counted("everybody"), before, "it goes on")
        self.secret("nobody.txt", "some.where\n")
        self.assertRegex(serve.reload(), "not reloaded, everything stays as it was: .*/nobody.txt: line 1: 'some.where' is neither an address nor a network")
        self.assertIn('list="nobody"', serve.text("/metrics"))
        serve.stop()

    def test_files_that_were_not_named_at_the_start(self):
        os.chmod(self.directory, 0o755)
        head = f'[serve]\nbinary = "{self.sim_copy()}"\nlisten = 0\n'
        serve = Serve(self, "--config", self.config(head), listen=None)
        self.secret("token", OLD)
        self.config(head + 'token-file = "token"\n')
        self.assertRegex(serve.reload(), "not reloaded.*token: Permission denied; it was not named when coretap was started, so it must be readable")
        self.assertEqual(serve.status("/api/v1/config"), 200)
        os.chmod(self.path("token"), 0o644)
        self.assertRegex(serve.reload(), "coretap: reloaded")
        wait_until(lambda: serve.status("/api/v1/config") == 401, "the token is asked for")
        serve.stop()

    def test_another_certificate(self):
        self.certificate("first.example")
        os.chmod(self.path("key.pem"), 0o600)
        config = self.config('[serve]\ntls-cert = "cert.pem"\ntls-key = "key.pem"\n')
        serve = Serve(self, "--sim", "--config", config)
        self.assertRegex(serve.url, "^https://")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def name():
            with socket.create_connection((serve.host, serve.port), timeout=harness.PATIENCE) as tcp, context.wrap_socket(tcp) as tls:
                return re.search(rb"(first|second)\.example", tls.getpeercert(True)).group(1)
        there = http.client.HTTPSConnection(serve.host, serve.port, context=context, timeout=harness.PATIENCE)
        there.request("GET", "/healthz")
        there.getresponse().read()
        self.assertEqual(name(), b"first")
        self.certificate("second.example")
        os.chmod(self.path("key.pem"), 0o600)
        self.assertRegex(serve.reload(), "coretap: reloaded")
        wait_until(lambda: name() == b"second", "the new certificate")
        sock = there.sock
        there.request("GET", "/healthz")
        self.assertEqual(there.getresponse().status, 200)
        self.assertIs(there.sock, sock, "the connection that was there goes on")
        there.close()
        self.write("cert.pem", "torn")
        self.assertRegex(serve.reload(), r"not reloaded.*the TLS certificate is of no use: .*cert.pem")
        self.assertEqual(name(), b"second")
        serve.stop()

    def test_whether_the_node_is_asked(self):
        binary = self.sim_copy()
        datadir = self.path("data/node")
        os.makedirs(datadir)
        config = self.config("")
        serve = Serve(self, "--config", config, binary=binary)
        Sim(self, binary, "--rate", "100", f"-datadir={datadir}")
        serve.wait_api("rpc", lambda answer: answer["nodes"].get("node"))
        self.config('[serve]\nrpc = "off"\nquiet = true\n')
        self.assertRegex(serve.reload(), "coretap: reloaded")
        serve.wait_api("rpc", lambda answer: answer["nodes"].get("node") is None)
        self.assertEqual(serve.api("config")["rpc"], "off")
        self.config("")
        serve.reload()
        serve.wait_api("rpc", lambda answer: answer["nodes"].get("node"))
        serve.stop()

    def test_without_a_file_and_of_a_recording(self):
        path = self.path("day.ctap")
        self.assertEqual(self.run_coretap("record", path, "--sim", "--sim-args", "--scenario every").returncode, 0)
        serve = Serve(self, "--from", path, "--speed", "max", "--token-file", self.secret("token", OLD))
        self.secret("token", NEW)
        self.assertEqual(serve.reload(), "coretap: reloaded: there is no configuration file, what it is told and named stays")
        wait_until(lambda: serve.status("/api/v1/config", bearer(NEW)) == 200, "the token is read again all the same")
        serve.stop()

    def test_a_service_manager_is_told(self):
        path = self.path("notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        os.chmod(path, 0o777)
        manager.settimeout(harness.PATIENCE)
        serve = Serve(self, "--sim", env={"NOTIFY_SOCKET": path})
        before = time.monotonic()
        serve.reload()
        said = [manager.recv(4096).decode()]
        while not said[-1].startswith("RELOADING"):
            said.append(manager.recv(4096).decode())
        at = int(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", said[-1]).group(1))
        self.assertTrue(before <= at / 1e6 <= time.monotonic())
        self.assertRegex(manager.recv(4096).decode(), r"\AREADY=1\nSTATUS=serving " + serve.url)
        serve.stop()

    def test_the_unit_reloads(self):
        unit = harness.read_text(os.path.join(ROOT, "contrib", "systemd", "coretap.service"))
        self.assertRegex(unit, r"(?m)^ExecReload=/bin/kill -HUP \$MAINPID$")

    def test_its_terminal_goes_away(self):
        ours, theirs = os.openpty()
        command = ["setsid", "--ctty", harness.CORETAP, "serve", "--sim", "--listen", "127.0.0.1:0"]  # setsid becomes it
        serve = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "CORETAP_CONFIG": ""})
        self.addCleanup(serve.wait)
        self.addCleanup(serve.kill)
        os.close(theirs)
        said = b""
        while b"the page is at" not in said:
            said += os.read(ours, 4096)
        os.close(ours)
        self.assertEqual(serve.wait(harness.PATIENCE), 0)


class SeveralNodes(Operation):
    def test_two_nodes_come_and_go(self):
        binary = self.sim_copy()

        def node(label, *args):
            datadir = self.path(f"data/{label}")
            os.makedirs(datadir, exist_ok=True)
            return Sim(self, binary, "--scenario", "mainnet", "--rate", "500", f"-datadir={datadir}", *args)
        alpha, beta = node("alpha"), node("beta")
        serve = Serve(self, binary=binary)

        def running(answer):
            return {row["label"]: row["pid"] for row in answer["nodes"] if row["running"]}
        serve.wait_api("nodes", lambda answer: running(answer) == {"alpha": alpha.node_pid, "beta": beta.node_pid})
        for path in "peers", "messages", "mempool", "blocks", "history":
            for label in "alpha", "beta":
                serve.wait_api(f"{path}?node={label}", lambda answer: answer)
        self.assertEqual({row["label"] for row in serve.api("snapshot")["nodes"]}, {"alpha", "beta"})
        serve.wait_api("peers?node=beta", lambda answer: answer["peers"])

        def messages(label):
            rows = re.findall(rf'^coretap_p2p_messages_total\{{node="{label}",.*\}} (\d+)$', serve.text("/metrics"), re.M)
            return sum(map(int, rows))
        wait_until(lambda: messages("alpha") > 0 and messages("beta") > 0, "both in the metrics")

        alpha.send(signal.SIGTERM).expect(0)
        serve.wait_api("nodes", lambda answer: running(answer) == {"beta": beta.node_pid})
        self.assertEqual(serve.status("/readyz"), 200)
        before = messages("beta")
        wait_until(lambda: messages("beta") > before, "the other goes on")
        of_alpha = messages("alpha")

        alpha = node("alpha", "--seed", "2")
        serve.wait_api("nodes", lambda answer: running(answer) == {"alpha": alpha.node_pid, "beta": beta.node_pid})
        wait_until(lambda: messages("alpha") > of_alpha, "followed again")
        rows = {row["label"]: row["starts"] for row in serve.api("nodes")["nodes"]}
        self.assertEqual(rows, {"alpha": 2, "beta": 1})
        for sim in alpha, beta:
            sim.send(signal.SIGTERM).expect(0)
        serve.stop()


class BadDays(Operation):
    def test_the_disk_fills_up(self):
        disk = self.path("disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk])
        path = os.path.join(disk, "day.ctap")
        binary = self.sim_copy()
        serve = Serve(self, "--record", path, binary=binary)
        sim = Sim(self, binary, "--scenario", "mainnet", "--rate", "5000")
        said = serve.wait_err("coretap: .*No space left on device.*\n").group(0)
        self.assertIn("nothing more is recorded until coretap is started again, the rest goes on", said)
        recording = serve.wait_api("self", lambda answer: not answer["recording"]["active"])["recording"]
        self.assertIn("No space left", recording["problem"])
        self.assertIn("coretap_recording_active 0\n", serve.text("/metrics"))
        events = serve.api("snapshot")["events"]
        serve.wait_api("snapshot", lambda answer: answer["events"] > events + 1000)
        self.assertEqual(serve.status("/readyz"), 200)
        self.assertEqual(len(re.findall("nothing more is recorded", serve.err())), 1, "said once")
        sim.send(signal.SIGTERM).expect(0)
        serve.stop(status=1)
        self.assertRegex(serve.err(), "events came that are not in the recording")
        verified = json.loads(self.run_coretap("verify", "--json", path).stdout)
        self.assertGreater(verified["events"], 1000, "what was written stays readable")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            config = self.config(f"[serve]\nlisten = {port}\n")
            serve = Serve(self, "--sim", "--config", config, listen=None, serving=False).expect(1)
            self.assertRegex(serve.err(), f"coretap: port {port} of 127.0.0.1 is in use: .*choose another port")


if __name__ == "__main__":
    harness.main()
