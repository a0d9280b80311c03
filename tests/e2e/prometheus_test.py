#!/usr/bin/env python3
"""A real Prometheus scrapes what coretap renders (the golden text), with the rules of contrib/; every query of the dashboards finds something.

Exit status: 0, 1 with what is wrong, 77 without Prometheus (1 with CORETAP_REQUIRE_PROMTOOL=1).
"""
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "tests/golden/metrics_open.txt").read_bytes()
CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PATIENCE_S = 60 * int(os.environ.get("CORETAP_TEST_SLOW", "1"))


class Metrics(http.server.BaseHTTPRequestHandler):
    accepted = set()

    def do_GET(self):
        Metrics.accepted.add(self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask(url, path, **parameters):
    with urllib.request.urlopen(f"{url}{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as response:
        return json.load(response)["data"]


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.2)
    sys.exit(f"prometheus: {what} did not come about in {PATIENCE_S} s")


def queries():
    for path in sorted((ROOT / "contrib/grafana").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                expr = target["expr"].replace("$__rate_interval", "10s").replace("$node", ".*").replace("$instance", ".*")
                yield f"{path.name}: {panel['title']}", re.sub(r" > 0(?=$|\))", "", expr)  # the golden node's counters stand still


def main():
    if shutil.which("prometheus") is None:
        if os.environ.get("CORETAP_REQUIRE_PROMTOOL") == "1":
            sys.exit("CORETAP_REQUIRE_PROMTOOL=1, and there is no prometheus")
        print("skipped: there is no prometheus (scripts/install-deps.sh test)")
        return 77
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="coretap-prometheus.") as folder:
        folder = pathlib.Path(folder)
        config = (ROOT / "contrib/prometheus/prometheus.yml").read_text(encoding="utf-8")
        for there, here in {
            "127.0.0.1:8338": f"127.0.0.1:{server.server_port}",
            "interval: 15s": "interval: 1s",
            "- recording.yml": f"- {ROOT}/contrib/prometheus/recording.yml",
            "- alerts.yml": f"- {ROOT}/contrib/prometheus/alerts.yml",
        }.items():
            assert there in config, there
            config = config.replace(there, here)
        (folder / "prometheus.yml").write_text(config, encoding="utf-8")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with open(folder / "log", "wb") as log:
            prometheus = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
                stdout=log, stderr=log)
        try:
            # rate() wants two scrapes
            wait_for("scraping", lambda: ask(url, "/api/v1/query", query='count_over_time(up{job="coretap"}[1m]) >= 3 and up == 1')["result"])
            errors = []
            count = 0
            for where, expr in queries():
                count += 1
                try:
                    if not ask(url, "/api/v1/query", query=expr)["result"]:
                        errors.append(f"{where}: finds nothing: {expr}")
                except urllib.error.HTTPError as error:
                    errors.append(f"{where}: {error.read().decode()}: {expr}")
            # One sample for each line: none was dropped, neither as ill-formed nor as a duplicate
            lines = sum(not line.startswith(b"#") for line in TEXT.splitlines())
            scraped = float(ask(url, "/api/v1/query", query='scrape_samples_post_metric_relabeling{job="coretap"}')["result"][0]["value"][1])
            stored = float(ask(url, "/api/v1/query", query='count({__name__=~"coretap_.+",instance!=""})')["result"][0]["value"][1])
            if not lines == scraped == stored:
                errors.append(f"{lines} samples, {scraped} scraped, {stored} stored")
            if not all(accept.startswith("application/openmetrics-text") for accept in Metrics.accepted):
                errors.append(f"Prometheus accepts {Metrics.accepted}")
            said = [line for line in (folder / "log").read_text(encoding="utf-8").splitlines() if re.search(r"level=(warn|error)", line)]
            errors += said
            for error in errors:
                print(error)
            print(f"prometheus: {count} queries, {lines} samples, {len(errors)} errors")
            return 1 if errors or count < 100 else 0
        finally:
            prometheus.terminate()
            prometheus.wait(timeout=PATIENCE_S)


if __name__ == "__main__":
    sys.exit(main())
