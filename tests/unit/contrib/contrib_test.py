#!/usr/bin/env python3
"""What contrib/ asks Prometheus for is what coretap has: every metric and label of rules and dashboards is in docs/metrics.md, which is the
table of families; promtool reads every query and passes the rules' own tests; Prometheus' reader of OpenMetrics takes the golden text.

Exit status: 0, 1 with what is wrong, 77 without promtool (1 with CORETAP_REQUIRE_PROMTOOL=1).
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "contrib/prometheus"
GRAFANA = ROOT / "contrib/grafana"
OF_PROMETHEUS = {"job", "instance", "le", "up"}
UNITS = {"ops", "Bps", "short", "s", "bytes", "decbytes", "percentunit", "none", "reqps"}  # of Grafana

errors = []


def expect(holds, what):
    if not holds:
        errors.append(what)


def families():
    """Sample name -> its labels, from docs/metrics.md."""
    found = {}
    row = re.compile(r"^\| `(coretap_\w+)` \| (\w+) \| ([^|]*) \|")
    for line in (ROOT / "docs/metrics.md").read_text(encoding="utf-8").splitlines():
        if match := row.match(line):
            name, kind, labels = match.groups()
            labels = set(re.findall(r"`(\w+)`", labels))
            for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
                found[name + suffix] = (kind, labels)
    return found


def recorded():
    """Name -> labels that the rule keeps, as far as it says so."""
    text = (PROMETHEUS / "recording.yml").read_text(encoding="utf-8")
    return set(re.findall(r"record: (\S+)", text))


def dashboards():
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(GRAFANA.glob("*.json"))}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def plain(expr):
    """A query of Grafana's as one of Prometheus'."""
    return expr.replace("$__rate_interval", "5m").replace("$node", ".*").replace("$instance", ".*")


def rule_exprs():
    """Every `expr:` of the rules, by where it stands. The files are ours: one line, or `>-` and what is indented deeper."""
    for path in (PROMETHEUS / "recording.yml", PROMETHEUS / "alerts.yml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for i, line in enumerate(lines):
            if match := re.match(r"^( *)expr: (.*)$", line):
                indent, expr = len(match[1]), match[2]
                if expr == ">-":
                    body = []
                    for following in lines[i + 1:]:
                        if len(following) - len(following.lstrip()) <= indent:
                            break
                        body.append(following.strip())
                    expr = " ".join(body)
                yield f"{path.name}:{i + 1}", expr


def dashboard_exprs():
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", plain(target["expr"])


def check_names(where, expr, known, rules):
    """Metrics, labels of matchers, and labels of by, on, ignoring."""
    for selector in re.finditer(r"([a-zA-Z_][\w:]*)\s*(?:\{([^}]*)\})?", re.sub(r'"[^"]*"', '""', expr)):
        name, matchers = selector.groups()
        if name in rules:
            continue
        if not name.startswith("coretap_"):
            expect(":" not in name, f"{where}: no rule records {name}")
            continue
        expect(name in known, f"{where}: there is no metric {name}")
        kind, labels = known.get(name, ("", set()))
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers or ""):
            expect(label in labels | OF_PROMETHEUS, f"{where}: {name} has no label {label}")
        if kind in ("counter", "histogram"):
            expect(re.search(r"(rate|increase)\(" + re.escape(name) + r"\b", expr), f"{where}: {name} is a counter without rate() or increase()")
        else:
            expect(not re.search(r"\b(rate|increase)\(" + re.escape(name) + r"\b", expr), f"{where}: {name} is no counter")
    names = set(re.findall(r"coretap_\w+", expr))
    every = OF_PROMETHEUS.union(*(known[name][1] for name in names if name in known))
    for clause in re.findall(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)", expr):
        for label in filter(None, (word.strip() for word in clause.split(","))):
            expect(label in every, f"{where}: nothing there has a label {label}")


def check_dashboards(known):
    uids = set()
    for name, dashboard in dashboards().items():
        expect(dashboard["uid"] not in uids and len(dashboard["uid"]) <= 40, f"{name}: uid")
        uids.add(dashboard["uid"])
        variables = [variable["name"] for variable in dashboard["templating"]["list"]]
        expect(variables in (["datasource", "node"], ["datasource", "instance"]), f"{name}: variables are {variables}")
        for variable in dashboard["templating"]["list"][1:]:
            metric, label = re.match(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
            expect(metric in known and label in known[metric][1] | OF_PROMETHEUS, f"{name}: variable {variable['name']}")
        ids = [panel["id"] for panel in dashboard["panels"]]
        expect(len(ids) == len(set(ids)), f"{name}: panel ids")
        for panel in panels(dashboard):
            where = f"{name}: {panel['title']}"
            expect(panel["fieldConfig"]["defaults"]["unit"] in UNITS, f"{where}: unit")
            expect(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, f"{where}: does not fit")
            expect(panel["targets"] and all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"]), f"{where}: data source")
            for target in panel["targets"]:
                expect(f"${variables[1]}" in target["expr"], f"{where}: does not look at the variable")


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    expect(result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}")


def check_with_promtool():
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    tests = sorted((PROMETHEUS / "tests").glob("*_test.yml"))
    run("promtool", "test", "rules", *tests)
    tested = "".join(path.read_text(encoding="utf-8") for path in tests)
    for rule in re.findall(r"(?:alert|record): (\S+)", "".join((PROMETHEUS / name).read_text(encoding="utf-8") for name in ("recording.yml", "alerts.yml"))):
        expect(re.search(re.escape(rule) + r"\b", tested), f"no test of rule {rule}")
    for alert in re.findall(r"alert: (\S+)", (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")):
        expect(re.search(r"alertname: " + alert + r"\n +exp_alerts:", tested), f"no test in which {alert} fires")
    with tempfile.TemporaryDirectory(prefix="coretap-contrib.") as folder:
        queries = pathlib.Path(folder) / "queries.yml"
        rules = [{"record": f"query:{i}", "expr": expr} for i, (_, expr) in enumerate(dashboard_exprs())]
        queries.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8")  # JSON is YAML
        run("promtool", "check", "rules", queries)
        # Prometheus' reader of OpenMetrics, which wants a time with each sample here
        text = (ROOT / "tests/golden/metrics_open.txt").read_text(encoding="utf-8")
        timed = pathlib.Path(folder) / "metrics_open.txt"
        timed.write_text("".join(line + ("" if line.startswith("#") else " 1795338904") + "\n" for line in text.splitlines()), encoding="utf-8")
        run("promtool", "tsdb", "create-blocks-from", "openmetrics", timed, pathlib.Path(folder) / "blocks")


def main():
    known, rules = families(), recorded()
    expect(len(known) > 100, "docs/metrics.md has hardly any family")
    count = 0
    for where, expr in [*rule_exprs(), *dashboard_exprs()]:
        check_names(where, expr, known, rules)
        count += 1
    expect(count > 100, f"only {count} queries were found")
    check_dashboards(known)
    run(sys.executable, GRAFANA / "make.py", "--check")
    have_promtool = shutil.which("promtool") is not None
    if have_promtool:
        check_with_promtool()
    elif os.environ.get("CORETAP_REQUIRE_PROMTOOL") == "1":
        errors.append("CORETAP_REQUIRE_PROMTOOL=1, and there is no promtool")
    for error in errors:
        print(error)
    print(f"contrib: {count} queries, {len(errors)} errors")
    if errors:
        return 1
    if not have_promtool:
        print("skipped: there is no promtool (scripts/install-deps.sh test)")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
