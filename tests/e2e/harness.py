"""What the end-to-end tests share: running coretap and coretap-sim, reading what they say, cleaning up.

Every test traces a copy of the simulator at a path of its own, so that simulators of others on this machine do not mix
in. Readiness is what the programs announce (coretap: "attached to", the simulator: "ready pid="), never a sleep.

Environment: CORETAP, CORETAP_SIM   the programs
             CORETAP_SIM_2023       the simulator with the older addrman layout (default: beside CORETAP_SIM)
             CORETAP_REQUIRE_BPF=1  fail instead of skipping where tracing is impossible
             CORETAP_TEST_SLOW=N    N times the patience: for builds with sanitizers; limits of memory and time are off
"""
import collections
import ctypes
import errno
import json
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "bin")
CORETAP = os.path.abspath(os.environ.get("CORETAP") or os.path.join(BUILD, "coretap"))
SIM = os.path.abspath(os.environ.get("CORETAP_SIM") or os.path.join(BUILD, "coretap-sim"))
SIM_2023 = os.path.abspath(os.environ.get("CORETAP_SIM_2023") or SIM + "-addrman2023")
SLOW = float(os.environ.get("CORETAP_TEST_SLOW") or 1)
PATIENCE = 20 * SLOW  #: seconds until something that should have happened long ago is a failure
SKIPPED = 77


def unhurried(per_s):
    """A rate, for tests of which nothing may be left out: one that a build with sanitizers keeps up with on a busy machine too."""
    return f"{per_s / SLOW:g}"


NOBODY = 65534

HOT = "utxocache:add,utxocache:spent"
#: enum Network, the flush modes: as docs/json.md names them
NETWORKS = ["not_publicly_routable", "ipv4", "ipv6", "onion", "i2p", "cjdns", "internal"]
FLUSH_MODES = ["NONE", "IF_NEEDED", "PERIODIC", "FORCE_FLUSH", "FORCE_SYNC"]
#: longest captured string, by argument (src/event/catalogue.cpp); what is longer is cut and says so
BOUNDS = {"addr": 260, "source": 260, "conn_type": 30, "msg_type": 24, "reason": 256, "wallet": 256, "algorithm": 256}

TRACEPOINTS = [
    "net:inbound_message", "net:outbound_message", "net:inbound_connection", "net:outbound_connection",
    "net:evicted_inbound_connection", "net:misbehaving_connection", "net:closed_connection",
    "validation:block_connected",
    "mempool:added", "mempool:removed", "mempool:replaced", "mempool:rejected",
    "utxocache:flush", "utxocache:add", "utxocache:spent", "utxocache:uncache",
    "coin_selection:selected_coins", "coin_selection:normal_create_tx_internal",
    "coin_selection:attempting_aps_create_tx", "coin_selection:aps_create_tx_internal",
    "addrman:attempt_add", "addrman:move_to_good",
]

DEMO_CONFIG = """
[[tracepoint]]
provider = "simnode"
name = "demo"
doc = "the stand-in's own"
args = [
  { name = "counter", type = "uint64" },
  { name = "number", type = "int32" },
  { name = "text", type = "string", max = 100 },
  { name = "hash", type = "hash" },
  { name = "size", type = "uint64", unit = "bytes" },
  { name = "bytes", type = "bytes", length = "size", max = 1000 },
]
"""


# ---- can we trace at all? --------------------------------------------------------------------------------------------

def bpf(command, attr):
    """The bpf system call; returns its result, raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(bytes(attr), len(attr))
    result = libc.syscall(321, command, buffer, len(attr))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    attr[:] = buffer.raw
    return result


def why_not():
    """Why tests that trace cannot run here; None if they can."""
    for program in (CORETAP, SIM):
        if not os.access(program, os.X_OK):
            return f"there is no {program}"
    if os.uname().machine != "x86_64":
        return f"the tests' own BPF calls are for x86-64, this is {os.uname().machine}"
    if os.geteuid() != 0:
        return "tracing, and becoming other users, needs root"
    try:
        os.close(bpf(0, bytearray(struct.pack("<IIII", 2, 4, 8, 1) + bytes(104))))  # BPF_MAP_CREATE, an array
    except OSError as error:
        return f"this machine does not let us use BPF: {error}"
    if not os.path.exists("/sys/bus/event_source/devices/uprobe"):
        return "this kernel has no uprobes"
    return None


def main():
    reason = why_not()
    if reason:
        if os.environ.get("CORETAP_REQUIRE_BPF") == "1":
            print(f"FAILED: CORETAP_REQUIRE_BPF=1, and {reason}", file=sys.stderr)
            sys.exit(1)
        print(f"SKIPPED: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # CTest's timeout: clean up
    unittest.main(verbosity=2)


# ---- little helpers --------------------------------------------------------------------------------------------------

def wait_until(condition, what, patience=None, every=0.01):
    """The first true value of `condition()`; fails after `patience` seconds."""
    patience = PATIENCE if patience is None else patience
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience:g} s: {what() if callable(what) else what}")
        time.sleep(every)


def read_text(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def status_of(pid):
    """/proc/PID/status as a dict; empty if there is no such process."""
    try:
        return dict(line.split(":\t", 1) for line in read_text(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def alive(pid):
    return status_of(pid).get("State", "Z")[0] not in "ZX"


def children_of(pid):
    try:
        return [int(child) for child in read_text(f"/proc/{pid}/task/{pid}/children").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def fds_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_kib(pid):
    """Resident memory of a process without mappings of BPF maps (the ring) in it."""
    total, counted = 0, True
    for line in read_text(f"/proc/{pid}/smaps").splitlines():
        if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
            counted = "bpf-map" not in line
        elif line.startswith("Rss:") and counted:
            total += int(line.split()[1])
    return total


def cpu_s(pid):
    fields = read_text(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- tracepoints of an ELF file: enough to find the semaphores in a process ------------------------------------------

def semaphores_of(path):
    """provider:name -> address of the semaphore in the file's own address space."""
    with open(path, "rb") as file:
        data = file.read()
    section_offset, = struct.unpack_from("<Q", data, 0x28)
    entry_size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_offset + i * entry_size) for i in range(count)]
    names_offset = sections[names_index][4]
    found, base_now = {}, None
    name_of = lambda section: data[names_offset + section[0]:data.index(b"\0", names_offset + section[0])]
    for section in sections:
        if name_of(section) == b".stapsdt.base":
            base_now = section[3]
    for section in sections:
        if name_of(section) != b".note.stapsdt":
            continue
        at, end = section[4], section[4] + section[5]
        while at < end:
            name_size, desc_size, _ = struct.unpack_from("<III", data, at)
            desc = at + 12 + (name_size + 3) // 4 * 4
            _, base, semaphore = struct.unpack_from("<QQQ", data, desc)
            provider, name = data[desc + 24:desc + desc_size].split(b"\0")[:2]
            found[f"{provider.decode()}:{name.decode()}"] = semaphore + (base_now - base if base_now else 0)
            at = desc + (desc_size + 3) // 4 * 4
    return found


def read_semaphores(pid, path):
    """The values in a running process; `path` is its executable."""
    first = next(line for line in read_text(f"/proc/{pid}/maps").splitlines() if line.endswith(os.path.basename(path)))
    with open(path, "rb") as file:
        position_independent = struct.unpack_from("<H", file.read(18), 16)[0] == 3  # ET_DYN
    base = int(first.split("-")[0], 16) if position_independent else 0
    values = {}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for name, address in semaphores_of(path).items():
            memory.seek(base + address)
            values[name], = struct.unpack("<H", memory.read(2))
    return values


# ---- what BPF leaves behind ------------------------------------------------------------------------------------------

def _ids(next_command):
    ids, current = set(), 0
    while True:
        attr = bytearray(struct.pack("<III", current, 0, 0) + bytes(116))
        try:
            bpf(next_command, attr)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return ids
            raise
        current = struct.unpack_from("<I", attr, 4)[0]
        ids.add(current)


def _info(get_fd_command, object_id, size=256):
    try:
        fd = bpf(get_fd_command, bytearray(struct.pack("<III", object_id, 0, 0) + bytes(116)))
    except OSError:
        return None  # gone in the meantime
    buffer = ctypes.create_string_buffer(size)
    try:
        bpf(15, bytearray(struct.pack("<IIQ", fd, size, ctypes.addressof(buffer)) + bytes(104)))  # BPF_OBJ_GET_INFO_BY_FD
    finally:
        os.close(fd)
    return buffer.raw


def orphaned_bpf():
    """Programs and maps of coretap's that no process holds: (kind, id, name). Others may trace at the same time; what
    they use is theirs."""
    held = collections.defaultdict(set)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fdinfo"):
                for key, value in re.findall(r"^(prog|map|link)_id:\s*(\d+)", read_text(f"/proc/{pid}/fdinfo/{fd}"), re.M):
                    held[key].add(int(value))
        except OSError:
            continue
    orphans = set()
    for program in _ids(11):
        info = _info(13, program)
        name = info[64:80].split(b"\0")[0].decode() if info else ""
        if name.startswith(("coretap", "ct_")) and program not in held["prog"]:
            orphans.add(("program", program, name))
    for a_map in _ids(12):
        info = _info(14, a_map)
        name = info[24:40].split(b"\0")[0].decode() if info else ""
        if name.startswith(("coretap", "ct_")) and a_map not in held["map"]:
            orphans.add(("map", a_map, name))
    return orphans


def lasting_orphans(patience=10):
    """Orphans that stay: the kernel frees maps and programs a moment after their last user."""
    orphans = orphaned_bpf()
    end = time.monotonic() + patience
    while orphans and time.monotonic() < end:
        time.sleep(0.2)
        orphans &= orphaned_bpf()
    return orphans


# ---- the programs ----------------------------------------------------------------------------------------------------

class Program:
    """A process with its output in files. Killed when the test ends."""

    def __init__(self, case, command, name, stdout=None, env=None, **more):
        self.case, self.name, self.command = case, name, command
        self.err_path = case.path(f"{name}.err")
        self.out_path = None if stdout is not None else case.path(f"{name}.out")
        with open(self.err_path, "wb") as err, open(self.out_path or os.devnull, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out if stdout is None else stdout, stderr=err,
                                            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}, **more)
        self.pid = self.process.pid
        case.addCleanup(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def err(self):
        return read_text(self.err_path)

    def out(self):
        return read_text(self.out_path)

    def wait_err(self, pattern, count=1, patience=None):
        """Until stderr has `count` matches of the pattern; the last of them."""
        def look():
            matches = list(re.finditer(pattern, self.err()))
            if len(matches) >= count:
                return matches[count - 1]
            if self.process.poll() is not None and len(list(re.finditer(pattern, self.err()))) < count:
                raise AssertionError(f"{self.name} ended ({self.process.returncode}) before saying /{pattern}/:\n{self.err()}")
            return None
        return wait_until(look, lambda: f"{count} times /{pattern}/ from {self.name}, which said:\n{self.err()}", patience)

    def wait(self, patience=None):
        """The exit status; fails if it does not end."""
        try:
            return self.process.wait(PATIENCE if patience is None else patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end; it said:\n{self.err()[-4000:]}") from None

    def expect(self, status, patience=None):
        got = self.wait(patience)
        if got != status:
            raise AssertionError(f"{self.name} ended with {got}, not {status}: {self.command}\n{self.err()[-4000:]}")
        return self

    def send(self, number):
        self.process.send_signal(number)
        return self


class Sim(Program):
    def __init__(self, case, path, *args, log=False, prefix=(), ready=True, name=None, **more):
        name = name or case.fresh("sim")
        self.log_path = case.path(f"{name}.fired") if log else None
        logging = ("--log-fired", self.log_path) if log else ()
        super().__init__(case, [*prefix, path, *args, *logging], name, **more)
        if ready:
            self.node_pid = int(self.wait_err(r"ready pid=(\d+)").group(1))

    def result(self):
        """What it printed when it ended."""
        return json.loads(self.out())

    def fired_log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


class Tap(Program):
    """coretap log, JSON to a file."""

    def __init__(self, case, *args, binary=None, attached=True, json_lines=True, prefix=(), name=None, **more):
        self.parsed, self.at = [], 0
        node = ("--binary", binary) if binary else ()
        flags = ("--json",) if json_lines else ()
        super().__init__(case, [*prefix, CORETAP, "log", *node, *flags, "--summary", "--stats", "0", *args], name or case.fresh("tap"), **more)
        if attached:
            self.wait_err(r"attached to \d+ tracepoints")

    def attacher(self):
        """The privileged process."""
        return wait_until(lambda: [pid for pid in children_of(self.pid) if status_of(pid).get("Name", "").strip() == "coretap-attach"],
                          "coretap's attacher")[0]

    def stop(self, number=signal.SIGINT, status=0, patience=None):
        if self.process.poll() is None:
            self.send(number)
        return self.expect(status, patience)

    def poll_events(self):
        """Lines so far, parsed; a line still being written is left for later."""
        with open(self.out_path, "rb") as file:
            file.seek(self.at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self.at += whole
        self.parsed += [json.loads(line) for line in data[:whole].splitlines()]
        return self.parsed

    def wait_event(self, wanted, count=1, patience=None):
        """Until there are `count` events for which wanted(event); the last of them."""
        def look():
            found = [event for event in self.poll_events() if wanted(event)]
            return found[count - 1] if len(found) >= count else None
        return wait_until(look, lambda: f"event from {self.name}, which wrote {len(self.parsed)} events and said:\n{self.err()[-4000:]}", patience)

    def wait_named(self, name, count=1, patience=None):
        return self.wait_event(lambda event: event["event"] == name, count, patience)

    def events(self, name=None):
        """All events, coretap's own too, or those of a name."""
        return [event for event in self.poll_events() if name is None or event["event"] == name]

    def probes(self, pid=None):
        """Events of nodes only."""
        return [event for event in self.poll_events() if not event["event"].startswith("coretap:") and pid in (None, event["pid"])]

    def ledger(self):
        """Table printed by --summary: name -> dict of fired, delivered, withheld, lost, by reason. Rows of a name are added."""
        table = {}
        in_table = False
        for line in self.err().splitlines():
            if line.startswith("tracepoint "):
                in_table, table = True, {}
                continue
            match = in_table and re.match(r"^(\w+:\w+)\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)(.*)$", line)
            if not match:
                continue
            row = table.setdefault(match.group(1), collections.Counter())
            for key, value in zip(("fired", "delivered", "withheld", "lost"), match.groups()[1:5]):
                row[key] += int(value.replace(",", ""))
            for reason, value in re.findall(r"  (ring-full|contended|malformed) ([\d,]+)", match.group(6)):
                row[reason] += int(value.replace(",", ""))
            for value, key in re.findall(r"  ([\d,]+) (without payload|with unreadable arguments)", match.group(6)):
                row[key] += int(value.replace(",", ""))
        return table


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="coretap-e2e-")
        os.chmod(self.directory, 0o755)  # nobody runs the simulator, too
        self.addCleanup(self.remove)
        self.numbers = collections.Counter()

    def remove(self):
        outcome = getattr(self, "_outcome", None)
        failed = outcome is not None and not getattr(outcome, "success", True)
        if failed and os.environ.get("CORETAP_TEST_KEEP"):
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def fresh(self, name):
        self.numbers[name] += 1
        return f"{name}{self.numbers[name]}"

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def sim_copy(self, source=SIM, name="node"):
        """A copy of the simulator, an inode of its own."""
        path = self.path(name)
        shutil.copyfile(source, path)
        os.chmod(path, 0o755)
        return path

    def run_coretap(self, *args, prefix=(), patience=None, env=None, **more):
        """Run to the end; CompletedProcess with text."""
        try:
            return subprocess.run([*prefix, CORETAP, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=PATIENCE if patience is None else patience, env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}, **more)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"coretap {' '.join(args)} did not end; it said: {(error.stderr or b'')[-2000:]}") from None

    def trace_run(self, sim_args, tap_args=(), source=SIM, log=True):
        """Attach, run the simulator to its end, stop. Returns (tap, sim)."""
        binary = self.sim_copy(source)
        tap = Tap(self, *tap_args, binary=binary)
        sim = Sim(self, binary, *sim_args, log=log).expect(0, 3 * PATIENCE)
        tap.stop(patience=3 * PATIENCE)
        return tap, sim

    # ---- what must be true of every run ----

    def check_ledger(self, tap, fired=None):
        """fired = delivered + only counted + lost in every row; `fired`, of the simulator, is what the kernel saw. A
        delivered event is a line, if no filter took it out again."""
        table = tap.ledger()
        for name, row in table.items():
            self.assertEqual(row["fired"], row["delivered"] + row["withheld"] + row["lost"], f"{name}: {dict(row)}")
            self.assertEqual(row["lost"], row["ring-full"] + row["contended"] + row["malformed"], f"{name}: {dict(row)}")
        if fired is not None:
            for name, row in table.items():
                self.assertEqual(row["fired"], fired.get(name, 0), f"{name}: coretap and the simulator disagree; {dict(row)}")
        return table

    def check_lost_events(self, tap):
        """The coretap:lost events add up to the ledger."""
        told, last = collections.Counter(), {}
        for event in tap.events("coretap:lost"):
            key = event["args"]["tracepoint"], event["args"]["reason"]
            self.assertGreater(event["args"]["count"], 0)
            told[key] += event["args"]["count"]
            self.assertEqual(event["args"]["total"], told[key], f"running total of {key}")
        in_table = collections.Counter({(name, reason): row[reason] for name, row in tap.ledger().items() for reason in ("ring-full", "contended", "malformed") if row[reason]})
        self.assertEqual(told, in_table)

    def check_order(self, events):
        last = 0
        for i, event in enumerate(events):
            if event["mono_ns"] < last:
                self.fail(f"event {i} of {len(events)} fired {last - event['mono_ns']} ns before the one printed before it: {str(event)[:300]}")
            last = event["mono_ns"]


def expected_of(fired, snap=lambda kind: None, bounds=BOUNDS):
    """What coretap must print for a line of the simulator's log: (args, cut). `snap` says how many bytes of a payload
    are captured by message type; None: all."""
    args, cut = {}, []
    for name, value in fired["args"].items():
        if name == "network" and fired["event"].startswith("net:") and value < len(NETWORKS):
            value = NETWORKS[value]
        elif name == "mode" and value < len(FLUSH_MODES):
            value = FLUSH_MODES[value]
        elif name == "payload":
            limit = snap(fired["args"].get("msg_type"))
            value = value if limit is None else value[:2 * limit]
            if not value:
                continue  # nothing captured: left out
        elif name == "bytes":
            limit = bounds.get("bytes", 1000)
            if len(value) > 2 * limit:
                value = value[:2 * limit]
                cut.append(name)
            if not value:
                continue
        elif name in bounds and isinstance(value, str) and len(value.encode()) > bounds[name]:
            value = value.encode()[:bounds[name]].decode()
            cut.append(name)
        args[name] = value
    return args, cut


def brief(value):
    text = json.dumps(value)
    return text if len(text) < 900 else text[:600] + " … " + text[-200:]
