#!/usr/bin/env python3
"""What tracing costs a real node: BITCOIND=/path/to/bitcoind python3 bench/realnode.py (bench/README.md).

Builds a regtest chain of signed transactions once (build/bench/realnode-chain), then reindexes its chainstate with
script checks on, untraced and traced, in alternating rounds. What is timed is the node's own log: from the first block
connected to the last. Writes build/bench/realnode.json. Needs bitcoin-cli beside bitcoind, and what attaching needs.

Exit status: 0 measured, 2 could not measure.
"""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
UTXO = "utxocache:add,utxocache:spent"
# What runs beside the node, the goal in percent over nothing.
WAYS = {
    "none": (None, ""),
    "default": ([], "<= 2"),
    "utxocache-counted": (["--count-only", UTXO], "<= 3"),
    "utxocache-delivered": (["--enable", UTXO], "<= 5"),
}

# ---- transactions: one key, P2WPKH everywhere; signed here because the wallet takes minutes for as many

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798, 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(a, b):
    if a is None:
        return b
    slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(k):
    result, power = None, G
    while k:
        if k & 1:
            result = add(result, power)
        power, k = add(power, power), k >> 1
    return result


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(n):
    return bytes([n]) if n < 0xFD else b"\xfd" + n.to_bytes(2, "little")


def der(n):
    data = n.to_bytes(33, "big").lstrip(b"\0")
    if data[0] & 0x80:
        data = b"\0" + data
    return b"\x02" + bytes([len(data)]) + data


class Signer:
    """ECDSA with one nonce for everything: it gives the key away, and costs one multiplication a signature."""

    def __init__(self):
        self.key = int.from_bytes(hashlib.sha256(b"coretap bench").digest(), "big") % N
        public = multiply(self.key)
        self.public = bytes([2 + (public[1] & 1)]) + public[0].to_bytes(32, "big")
        nonce = int.from_bytes(hashlib.sha256(b"nonce").digest(), "big") % N
        self.r = multiply(nonce)[0] % N
        self.nonce_inverse = pow(nonce, -1, N)
        self.key_hash = hashlib.new("ripemd160", hashlib.sha256(self.public).digest()).digest()
        self.script = b"\x00\x14" + self.key_hash

    def sign(self, digest):
        s = self.nonce_inverse * (int.from_bytes(digest, "big") + self.r * self.key) % N
        body = der(self.r) + der(min(s, N - s))
        return b"\x30" + bytes([len(body)]) + body + b"\x01"

    def spend(self, coins, amounts):
        """A signed transaction from `coins` (txid, index, amount) to outputs of our own, and its txid."""
        outpoints = [txid + index.to_bytes(4, "little") for txid, index, _ in coins]
        sequence = b"\xff\xff\xff\xff"
        outputs = b"".join(amount.to_bytes(8, "little") + compact(len(self.script)) + self.script for amount in amounts)
        common = b"\x02\0\0\0" + sha256d(b"".join(outpoints)) + sha256d(sequence * len(coins))
        code = b"\x19\x76\xa9\x14" + self.key_hash + b"\x88\xac"
        witness = b""
        for outpoint, (_, _, amount) in zip(outpoints, coins):
            digest = sha256d(common + outpoint + code + amount.to_bytes(8, "little") + sequence + sha256d(outputs) + b"\0\0\0\0\x01\0\0\0")
            signature = self.sign(digest)
            witness += b"\x02" + compact(len(signature)) + signature + b"\x21" + self.public
        inputs = compact(len(coins)) + b"".join(outpoint + b"\0" + sequence for outpoint in outpoints)
        body = inputs + compact(len(amounts)) + outputs
        txid = sha256d(b"\x02\0\0\0" + body + b"\0\0\0\0")
        return b"\x02\0\0\0\0\x01" + body + witness + b"\0\0\0\0", txid


# ---- the node


class Node:
    def __init__(self, bitcoind, datadir):
        self.bitcoind = bitcoind
        self.cli_command = [str(bitcoind.parent / "bitcoin-cli"), "-regtest", f"-datadir={datadir}", "-rpcport=28443"]
        self.datadir = datadir
        self.log = datadir / "regtest" / "debug.log"
        self.process = None

    def start(self, *args):
        self.datadir.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [str(self.bitcoind), "-regtest", f"-datadir={self.datadir}", "-rpcport=28443", "-listen=0", "-connect=0", "-disablewallet",
             "-logtimemicros=1", "-persistmempool=0", "-dbcache=450", "-printtoconsole=0", *args],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def cli(self, *args, stdin=None):
        command = self.cli_command + (["-stdin"] if stdin is not None else []) + list(map(str, args))
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"bitcoin-cli {args[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def wait_rpc(self):
        self.cli("-rpcwait", "-rpcwaittimeout=60", "getblockcount")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)
        self.process = None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def build_chain(node, blocks, transactions):
    """`blocks` blocks; after those that give the first coins, each holds its share of the transactions."""
    signer = Signer()
    descriptor = json.loads(node.cli("getdescriptorinfo", f"raw({signer.script.hex()})"))["descriptor"]
    fans, first = 20, 100  # coinbases fanned out; blocks until the first may be spent
    per_fan, fee = 500, 1000
    hashes = json.loads(node.cli("generatetodescriptor", first + fans, descriptor))

    def block(raws):
        node.cli("generateblock", stdin="\n".join([descriptor, json.dumps([raw.hex() for raw in raws])]))

    coins = []
    for fan in range(fans):
        coinbase = json.loads(node.cli("getblock", hashes[fan], 2))["tx"][0]
        value = round(coinbase["vout"][0]["value"] * 100_000_000)
        amount = (value - 50_000) // per_fan
        raw, txid = signer.spend([(bytes.fromhex(coinbase["txid"])[::-1], 0, value)], [amount] * per_fan)
        block([raw])
        coins += [(txid, index, amount) for index in range(per_fan)]
    left = blocks - first - 2 * fans
    made = 0
    for number in range(left):
        raws = []
        # Two inputs and two outputs, the usual shape; a coin rests for some hundred blocks before it is spent.
        for _ in range(transactions * (number + 1) // left - made):
            spent, coins = coins[:2], coins[2:]
            amount = (sum(coin[2] for coin in spent) - fee) // 2
            raw, txid = signer.spend(spent, [amount] * 2)
            raws.append(raw)
            coins += [(txid, 0, amount), (txid, 1, amount)]
        made += len(raws)
        block(raws)
        if number % 200 == 199:
            print(f"  {number + 1} of {left} blocks", file=sys.stderr)


UPDATE_TIP = re.compile(r"^(\S+Z) .*UpdateTip: new best=\S+ height=(\d+)")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reindex(node, height):
    """Seconds from the first block connected to the last, by the node's log, and CPU seconds of the node until then."""
    node.start("-reindex-chainstate", "-assumevalid=0")
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if node.process.poll() is not None:
            raise RuntimeError(f"bitcoind ended: {node.process.stderr.read().strip()}")
        try:
            tips = [match for match in map(UPDATE_TIP.match, node.log.read_text().splitlines()) if match]
        except FileNotFoundError:
            continue
        if tips and int(tips[-1][2]) == height:
            cpu = cpu_seconds(node.process.pid)
            node.stop()
            times = {int(tip[2]): datetime.datetime.fromisoformat(tip[1]) for tip in tips}
            return (times[height] - times[min(times)]).total_seconds(), cpu
    raise RuntimeError("the reindex did not reach its end in 300 s")


SUMMARY = re.compile(r"([\d,]+) fired, ([\d,]+) delivered.*?([\d,]+) lost")


def check(said, blocks):
    """That the node was traced: a figure of an idle tracer is worth nothing. Returns how many events were lost."""
    found = SUMMARY.search(said)
    if not found:
        raise RuntimeError(f"coretap log did not say at its end what it saw, but: {said.strip()}")
    fired, delivered, lost = (int(number.replace(",", "")) for number in found.groups())
    if fired < blocks or delivered + lost < blocks:
        raise RuntimeError(f"coretap log saw less than the {blocks} blocks connected: {found[0]}")
    return lost


class Tracer:
    """`coretap log` on the node's executable, every event as JSON to /dev/null; what it says at its end is kept."""

    def __init__(self, coretap, bitcoind, options):
        self.process = subprocess.Popen([str(coretap), "log", "--json", "--binary", str(bitcoind), *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def settle(self):
        time.sleep(1.5)  # attached well before
        if self.process.poll() is not None:
            raise RuntimeError(f"coretap log ended: {self.process.stderr.read().strip()}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=30)
        return said


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blocks", type=int, default=1100)
    parser.add_argument("--transactions", type=int, default=30_000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--only", help="comma-separated ways to measure: " + ", ".join(WAYS))
    parser.add_argument("--rebuild-chain", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="show what coretap says at the end of each run")
    options = parser.parse_args()
    bitcoind = os.environ.get("BITCOIND")
    if not bitcoind or not os.access(bitcoind, os.X_OK):
        print("bench/realnode.py: set BITCOIND=/path/to/bitcoind, built with tracepoints (-DWITH_USDT=ON), bitcoin-cli beside it", file=sys.stderr)
        return 2
    bitcoind = pathlib.Path(bitcoind).resolve()
    coretap = options.build / "bin" / "coretap"
    ways = [way for way in WAYS if not options.only or way in options.only.split(",")]
    if not coretap.exists() and ways != ["none"]:
        print(f"bench/realnode.py: {coretap} is not there; `make build` makes it", file=sys.stderr)
        return 2

    output = options.build / "bench" / "realnode.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    datadir = output.parent / "realnode-chain"
    node = Node(bitcoind, datadir)
    tracer = None
    try:
        done = datadir / f"built-{options.blocks}-{options.transactions}"
        if options.rebuild_chain or not done.exists():
            shutil.rmtree(datadir, ignore_errors=True)
            print(f"building a chain of {options.blocks} blocks and {options.transactions} transactions", file=sys.stderr)
            start = time.monotonic()
            node.start("-server=1")
            node.wait_rpc()
            build_chain(node, options.blocks, options.transactions)
            node.stop()
            done.touch()
            print(f"built in {time.monotonic() - start:.0f} s", file=sys.stderr)

        reindex(node, options.blocks)  # warms the page cache
        lost = 0
        figures = {"reindex": {way: [] for way in ways}, "cpu": {way: [] for way in ways}}
        for number in range(options.rounds):
            turn = ways[number % len(ways):] + ways[:number % len(ways)]
            for way in turn:
                arguments, _ = WAYS[way]
                if arguments is not None:
                    tracer = Tracer(coretap, bitcoind, arguments)
                    tracer.settle()
                elapsed, cpu = reindex(node, options.blocks)
                figures["reindex"][way].append(elapsed)
                figures["cpu"][way].append(cpu)
                said = ""
                if tracer is not None:
                    said, tracer = tracer.stop(), None
                    lost += check(said, options.blocks)
                if options.verbose and said:
                    print(said, file=sys.stderr)
                print(f"round {number + 1} of {options.rounds}: {way} {elapsed:.3f} s, {cpu:.2f} s of CPU", file=sys.stderr)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"bench/realnode.py: {error}", file=sys.stderr)
        return 2
    finally:
        node.kill()
        if tracer is not None:
            tracer.process.kill()
            tracer.process.wait()

    rows = []
    print(f"\nReindex of the chainstate with script checks, {options.blocks} blocks, {options.transactions} transactions,"
          f" medians of {options.rounds} rounds")
    for figure, title in (("reindex", "from the first block to the last"), ("cpu", "CPU time of the node")):
        seconds = figures[figure]
        print(f"\n{title}")
        for way in ways:
            median = statistics.median(seconds[way])
            rows.append({"name": f"realnode/{figure}/{way}", "value": round(median, 4), "unit": "s", "goal": ""})
            line = f"  {way:24}{median:8.3f} s   ({min(seconds[way]):.3f} to {max(seconds[way]):.3f})"
            if way != "none" and "none" in seconds:
                percent = 100 * (median / statistics.median(seconds["none"]) - 1)
                goal = WAYS[way][1] if figure == "reindex" else ""
                rows.append({"name": f"realnode/{figure}/{way}/over-none", "value": round(percent, 2), "unit": "%", "goal": goal})
                line += f"   {percent:+.1f} %" + (f"   goal {goal} %" if goal else "")
            print(line)
    rows.append({"name": "realnode/lost", "value": lost, "unit": "events", "goal": "<= 0"})
    print(f"\n{lost} events lost")
    output.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\nwritten to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
