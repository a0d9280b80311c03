#!/usr/bin/env python3
"""The page that coretap embeds, in real Chromium, with what real probes see of the stand-in: web/tests/real/ (docs: web/README.md).

Environment: CORETAP_REQUIRE_PAGE=1  fail instead of skipping where node, the page's packages or Chromium are missing
"""
import os
import subprocess
import sys

import harness

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def main():
    reason = harness.why_not()
    if reason:
        required = os.environ.get("CORETAP_REQUIRE_BPF") == "1"
        print(f"{'FAILED: CORETAP_REQUIRE_BPF=1, and' if required else 'SKIPPED:'} {reason}", file=sys.stderr)
        return 1 if required else harness.SKIPPED
    build = os.path.join(os.path.dirname(os.path.dirname(harness.CORETAP)), "web")
    return subprocess.run([os.path.join(ROOT, "scripts", "web_test.sh"), build, "real"], check=False,
                          env={**os.environ, "CORETAP": harness.CORETAP, "CORETAP_SIM": harness.SIM}).returncode


if __name__ == "__main__":
    sys.exit(main())
