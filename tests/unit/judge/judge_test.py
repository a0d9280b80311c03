#!/usr/bin/env python3
"""Compares coretap's decoding of P2P messages with Bitcoin Core's test framework's, over messages that real nodes exchanged.

The judge's reading of each message is in ../shared/data/messages/*.jsonl.gz (CORETAP_SHARED overrides ../shared; without it the
test skips). From it and the payload this script makes the JSON that coretap should give, and wants exactly that: a member
that either side has and the other lacks is a failure, and so is a member of the judge's that this script does not know.
What the judge does not tell but follows from it (ids, sizes, names of services) is computed here.

Where judge and coretap may differ, a rule below says why, from the BIP or from Bitcoin Core's C++: look for "Exception".

    judge_test.py PATH_OF_decode_payloads [--self-test]

Exit status: 0 all agree, 1 they do not, 77 no data.
"""
import base64
import collections
import glob
import gzip
import hashlib
import ipaddress
import json
import os
import pathlib
import struct
import subprocess
import sys

SHOWN_FAILURES = 20


class Unexpected(Exception):
    """The judge says something this script has no rule for."""


# ---- what the judge says, taken apart -------------------------------------------------------------------------------

def fields(judge, *names):
    """The values of exactly these members."""
    if not isinstance(judge, dict) or set(judge) != set(names):
        raise Unexpected(f"the judge has {sorted(judge) if isinstance(judge, dict) else judge}, known are {sorted(names)}")
    return [judge[name] for name in names]


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def reversed_hex(wire_hex):
    """The judge gives hashes in wire order."""
    assert len(wire_hex) == 64, wire_hex
    return bytes.fromhex(wire_hex)[::-1].hex()


def compact(n):
    if n < 253:
        return bytes([n])
    if n < 1 << 16:
        return b"\xfd" + struct.pack("<H", n)
    if n < 1 << 32:
        return b"\xfe" + struct.pack("<I", n)
    return b"\xff" + struct.pack("<Q", n)


def read_compact(data, at):
    first = data[at]
    if first < 253:
        return first, at + 1
    width = 1 << (first - 252)
    return int.from_bytes(data[at + 1:at + 1 + width], "little"), at + 1 + width


def string(data):
    return compact(len(data)) + data


def signed64(n):
    return n - (1 << 64) if n >= 1 << 63 else n


SERVICES = {0: "NETWORK", 2: "BLOOM", 3: "WITNESS", 6: "COMPACT_FILTERS", 10: "NETWORK_LIMITED", 11: "P2P_V2"}
INV_TYPES = {1: "tx", 2: "block", 3: "filtered_block", 4: "cmpct_block", 5: "wtx",
             1 << 30 | 1: "witness_tx", 1 << 30 | 2: "witness_block", 1 << 30 | 3: "witness_filtered_block"}
NETWORKS = {1: "ipv4", 2: "ipv6", 4: "onion", 5: "i2p", 6: "cjdns"}


def services(number):
    return {"services": f"{number:016x}",
            "services_names": [SERVICES.get(bit, f"UNKNOWN[2^{bit}]") for bit in range(64) if number >> bit & 1]}


def base32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


def ipv6(data):
    return str(ipaddress.IPv6Address(data))


def legacy_address(judge, raw, with_time):
    """26 bytes, 30 with time. Exception: the judge takes the last four bytes for an IPv4 address whatever the twelve before
    them say ("We only support IPv4"); SetLegacyIPv6() of src/netaddress.cpp looks at them. So the address is read from
    the payload here, and the judge's four bytes must be its last."""
    net, ip, number, port, time = fields(judge, "net", "ip", "nServices", "port", "time")
    raw = raw.ljust(30 if with_time else 26, b"\0")  # the judge reads zeros behind the end
    host = raw[-18:-2]
    if net != 1 or ip != ".".join(str(byte) for byte in host[12:]):
        raise Unexpected(f"judge's address {ip} of network {net} is not in {raw.hex()}")
    if host.startswith(bytes(10) + b"\xff\xff"):
        network, address = "ipv4", ip
    elif host.startswith(bytes.fromhex("fd87d87eeb43")):
        network, address = "torv2", base32(host[6:]) + ".onion"
    elif host.startswith(bytes.fromhex("fd6b88c08724")):
        network, address = "internal", base32(host[6:]) + ".internal"
    else:
        network, address = "ipv6", ipv6(host)
    expected = services(number) | {"network": network, "address": address, "port": port}
    if with_time:
        expected["time"] = time
    elif time != 0:
        raise Unexpected("an address of a version message has no time")
    return expected


def address_v2(judge):
    net, ip, number, port, time = fields(judge, "net", "ip", "nServices", "port", "time")
    if net in (2, 6):
        ip = ipv6(ipaddress.IPv6Address(ip).packed)
    return services(number) | {"network": NETWORKS[net], "address": ip, "port": port, "time": time}


def packed(net, ip):
    """The bytes of an address in addrv2."""
    if net == 4:
        return base64.b32decode(ip[:56].upper())[:32]  # the key; behind it stand a checksum and a version
    if net == 5:
        return base64.b32decode(ip[:52].upper() + "====")
    return ipaddress.ip_address(ip).packed


class Tx:
    """A transaction of the judge's: what coretap should show, and its bytes."""

    def __init__(self, judge):
        lock_time, version, vin, vout, wit = fields(judge, "nLockTime", "version", "vin", "vout", "wit")
        stacks = [fields(fields(each, "scriptWitness")[0], "stack")[0] for each in fields(wit, "vtxinwit")[0]]
        self.has_witness = bool(stacks)
        self.all_stacks_empty = self.has_witness and not any(stacks)
        inputs, outputs = [], []
        body_in, body_out = compact(len(vin)), compact(len(vout))
        for i, each in enumerate(vin):
            sequence, prevout, script = fields(each, "nSequence", "prevout", "scriptSig")
            txid, n = fields(prevout, "hash", "n")
            shown = {"txid": reversed_hex(txid), "vout": n, "script_sig": script, "sequence": sequence}
            if self.has_witness:
                shown["witness"] = stacks[i]
            inputs.append(shown)
            body_in += bytes.fromhex(txid) + struct.pack("<I", n) + string(bytes.fromhex(script)) + struct.pack("<I", sequence)
        for n, each in enumerate(vout):
            value, script = fields(each, "nValue", "scriptPubKey")
            outputs.append({"n": n, "value": value, "script_pubkey": script})
            body_out += struct.pack("<q", value) + string(bytes.fromhex(script))
        if not vin and not self.has_witness:
            body_out = b"\0"  # UnserializeTransaction(): no inputs, and the flag that follows is 0: that is all there is
        head, tail = struct.pack("<I", version), struct.pack("<I", lock_time)
        stripped = head + body_in + body_out + tail
        self.raw = stripped
        if self.has_witness:
            witness = b"".join(compact(len(stack)) + b"".join(string(bytes.fromhex(item)) for item in stack) for stack in stacks)
            self.raw = head + b"\0\1" + body_in + body_out + witness + tail
        weight = 3 * len(stripped) + len(self.raw)
        self.expected = {"txid": sha256d(stripped)[::-1].hex(), "wtxid": sha256d(self.raw)[::-1].hex(), "version": version,
                         "size": len(self.raw), "vsize": (weight + 3) // 4, "weight": weight, "lock_time": lock_time,
                         "inputs": inputs, "outputs": outputs}


def header_of(raw):
    version, previous, root, time, bits, nonce = struct.unpack("<i32s32sIII", raw)
    return {"hash": sha256d(raw)[::-1].hex(), "version": version, "previous_block_hash": previous[::-1].hex(),
            "merkle_root": root[::-1].hex(), "time": time, "bits": f"{bits:08x}", "nonce": nonce}


def header(judge):
    """What coretap should show of a header, and its bytes."""
    root, previous, bits, nonce, time, version = fields(judge, "hashMerkleRoot", "hashPrevBlock", "nBits", "nNonce", "nTime", "nVersion")
    raw = struct.pack("<i32s32sIII", version, bytes.fromhex(previous), bytes.fromhex(root), time, bits, nonce)
    return header_of(raw), raw


def filter_type(number):
    return {"filter_type": "basic" if number == 0 else number}


def hashes(values):
    return [reversed_hex(each) for each in values]


def absolute(differences):
    """BIP 152: each is the difference to the one before, less one."""
    result, following = [], 0
    for difference in differences:
        result.append(following + difference)
        following += difference + 1
    return result


# ---- one function a message: (what coretap should show, the judge's object serialized again) --------------------------

def nothing(judge, payload):
    fields(judge)
    return {}, b""


def version(judge, payload):
    addr_from, addr_to, nonce, relay, number, height, time, protocol, agent = fields(
        judge, "addrFrom", "addrTo", "nNonce", "relay", "nServices", "nStartingHeight", "nTime", "nVersion", "strSubVer")
    agent = agent.encode()
    raw = struct.pack("<iQq", protocol, number, time) + payload[20:72].ljust(52, b"\0") + struct.pack("<Q", nonce)
    expected = {"version": protocol, "time": time, "addr_recv": legacy_address(addr_to, payload[20:46], False)} | services(number)
    # Exception: the judge reads zeros where a message has ended. Bitcoin Core (ProcessMessage(), "version") wants no more than
    # the receiver's address; what came with later versions of the protocol need not be there: it is not shown as zero.
    if len(payload) > 46:
        expected["addr_from"] = legacy_address(addr_from, payload[46:72], False)
    elif fields(addr_from, "net", "ip", "nServices", "port", "time") != [1, "0.0.0.0", 0, 0, 0]:
        raise Unexpected("a sender's address from nowhere")
    if len(payload) > 72:
        expected["nonce"] = f"{nonce:016x}"
    if len(payload) > 80:
        expected["user_agent"] = agent.decode()
        raw += string(agent)
    if len(payload) > 80 + len(string(agent)):
        expected["start_height"] = height
        raw += struct.pack("<i", height)
    if len(payload) > 84 + len(string(agent)):
        expected["relay"] = relay != 0  # a bool: any value but 0 (src/serialize.h)
        raw += bytes([relay])
    return expected, raw[:46] if len(payload) == 46 else raw


def nonce64(judge, payload):
    nonce = fields(judge, "nonce")[0]
    return {"nonce": f"{nonce:016x}"}, struct.pack("<Q", nonce)


def pong(judge, payload):
    # Exception: ProcessPong() reads no nonce from less than eight bytes, and passes over them ("Short payload").
    if len(payload) < 8:
        fields(judge, "nonce")
        return {"trailing_bytes": len(payload)}, payload
    return nonce64(judge, payload)


def addr(judge, payload):
    entries = fields(judge, "addrs")[0]
    _, at = read_compact(payload, 0)
    addresses = [legacy_address(each, payload[at + 30 * i:at + 30 * (i + 1)], True) for i, each in enumerate(entries)]
    return {"count": len(entries), "addresses": addresses}, compact(len(entries)) + payload[at:].ljust(30 * len(entries), b"\0")[:30 * len(entries)]


def addrv2(judge, payload):
    entries = fields(judge, "addrs")[0]
    raw = compact(len(entries)) + b"".join(
        struct.pack("<I", each["time"]) + compact(each["nServices"]) + bytes([each["net"]]) + string(packed(each["net"], each["ip"])) +
        struct.pack(">H", each["port"]) for each in entries)
    return {"count": len(entries), "addresses": [address_v2(each) for each in entries]}, raw


def inventory(member):
    def message(judge, payload):
        entries = [fields(each, "type", "hash") for each in fields(judge, member)[0]]
        raw = compact(len(entries)) + b"".join(struct.pack("<I", kind) + bytes.fromhex(h) for kind, h in entries)
        return {"count": len(entries), "entries": [{"type": INV_TYPES.get(kind, kind), "hash": reversed_hex(h)} for kind, h in entries]}, raw
    return message


def locator(judge, payload):
    stop, place = fields(judge, "hashstop", "locator")
    ignored, have = fields(place, "nVersion", "vHave")
    if ignored is not None:
        raise Unexpected("the judge passes over a locator's version")
    head = payload[:4].ljust(4, b"\0")
    raw = head + compact(len(have)) + bytes.fromhex("".join(have) + stop)
    return {"version": struct.unpack("<i", head)[0], "count": len(have), "locator": hashes(have), "stop_hash": reversed_hex(stop)}, raw


def headers(judge, payload):
    both = [header(each) for each in fields(judge, "headers")[0]]
    return {"count": len(both), "headers": [shown for shown, _ in both]}, compact(len(both)) + b"".join(raw + b"\0" for _, raw in both)


def tx(judge, payload):
    one = Tx(fields(judge, "tx")[0])
    return one.expected, one.raw


def transactions(txs):
    return {"count": len(txs), "txs": [each.expected for each in txs]}, compact(len(txs)) + b"".join(each.raw for each in txs)


def block(judge, payload):
    # Exception: of a block the judge prints the transactions only (to_jsonable() passes over a base class's slots).
    txs = [Tx(each) for each in fields(fields(judge, "block")[0], "vtx")[0]]
    expected, raw = transactions(txs)
    head = payload[:80].ljust(80, b"\0")
    return header_of(head) | expected, head + raw


def merkleblock(judge, payload):
    head, txn = fields(fields(judge, "merkleblock")[0], "header", "txn")
    total, bits, have = fields(txn, "nTransactions", "vBits", "vHash")
    shown, raw = header(head)
    flags = bytes(sum(bit << i for i, bit in enumerate(bits[at:at + 8])) for at in range(0, len(bits), 8))
    expected = {"total_transactions": total, "count": len(have), "hashes": hashes(have), "flags": flags.hex()}
    return shown | expected, raw + struct.pack("<I", total) + compact(len(have)) + bytes.fromhex("".join(have)) + string(flags)


def sendcmpct(judge, payload):
    announce, number = fields(judge, "announce", "version")
    return {"announce": announce, "version": number}, bytes([announce]) + struct.pack("<Q", number)


def cmpctblock(judge, payload):
    head, nonce, prefilled, prefilled_length, short_ids, short_ids_length = fields(
        fields(judge, "header_and_shortids")[0], "header", "nonce", "prefilled_txn", "prefilled_txn_length", "shortids", "shortids_length")
    if prefilled_length != len(prefilled) or short_ids_length != len(short_ids):
        raise Unexpected("lengths of a cmpctblock")
    shown, raw = header(head)
    pairs = [fields(each, "index", "tx") for each in prefilled]
    txs = [Tx(each) for _, each in pairs]
    raw += struct.pack("<Q", nonce) + compact(len(short_ids)) + b"".join(struct.pack("<Q", each)[:6] for each in short_ids)
    raw += compact(len(txs)) + b"".join(compact(pair[0]) + each.raw for pair, each in zip(pairs, txs))
    indexes = absolute([index for index, _ in pairs])
    return {"header": shown, "nonce": f"{nonce:016x}", "short_id_count": len(short_ids), "short_ids": [f"{each:012x}" for each in short_ids],
            "prefilled_count": len(txs), "prefilled": [{"index": i, "tx": each.expected} for i, each in zip(indexes, txs)]}, raw


def getblocktxn(judge, payload):
    block_hash, differences = fields(fields(judge, "block_txn_request")[0], "blockhash", "indexes")
    raw = bytes.fromhex(block_hash) + compact(len(differences)) + b"".join(compact(each) for each in differences)
    return {"block_hash": reversed_hex(block_hash), "count": len(differences), "indexes": absolute(differences)}, raw


def blocktxn(judge, payload):
    block_hash, txs = fields(fields(judge, "block_transactions")[0], "blockhash", "transactions")
    expected, raw = transactions([Tx(each) for each in txs])
    return {"block_hash": reversed_hex(block_hash)} | expected, bytes.fromhex(block_hash) + raw


def feefilter(judge, payload):
    # Exception: unsigned for the judge; a CAmount, which is signed, for Bitcoin Core (ProcessMessage(), "feefilter").
    feerate = fields(judge, "feerate")[0]
    return {"feerate": signed64(feerate)}, struct.pack("<Q", feerate)


def sendtxrcncl(judge, payload):
    number, salt = fields(judge, "version", "salt")
    return {"version": number, "salt": f"{salt:016x}"}, struct.pack("<IQ", number, salt)


def feature(judge, payload):
    name, data = fields(judge, "feature_id", "feature_data")
    return {"feature_id": name, "feature_data": data}, string(name.encode()) + string(bytes.fromhex(data))


def filterload(judge, payload):
    data, functions, tweak, flags = fields(judge, "data", "nHashFuncs", "nTweak", "nFlags")
    return {"filter": data, "hash_functions": functions, "tweak": tweak, "flags": flags}, \
        string(bytes.fromhex(data)) + struct.pack("<IIB", functions, tweak, flags)


def filteradd(judge, payload):
    data = fields(judge, "data")[0]
    return {"data": data}, string(bytes.fromhex(data))


def getcfilters(judge, payload):
    kind, height, stop = fields(judge, "filter_type", "start_height", "stop_hash")
    return filter_type(kind) | {"start_height": height, "stop_hash": reversed_hex(stop)}, struct.pack("<BI", kind, height) + bytes.fromhex(stop)


def cfilter(judge, payload):
    kind, block_hash, data = fields(judge, "filter_type", "block_hash", "filter_data")
    return filter_type(kind) | {"block_hash": reversed_hex(block_hash), "filter": data}, \
        bytes([kind]) + bytes.fromhex(block_hash) + string(bytes.fromhex(data))


def cfheaders(judge, payload):
    kind, stop, previous, have = fields(judge, "filter_type", "stop_hash", "prev_header", "hashes")
    expected = {"stop_hash": reversed_hex(stop), "previous_filter_header": reversed_hex(previous), "count": len(have), "filter_hashes": hashes(have)}
    return filter_type(kind) | expected, bytes([kind]) + bytes.fromhex(stop + previous) + compact(len(have)) + bytes.fromhex("".join(have))


def getcfcheckpt(judge, payload):
    kind, stop = fields(judge, "filter_type", "stop_hash")
    return filter_type(kind) | {"stop_hash": reversed_hex(stop)}, bytes([kind]) + bytes.fromhex(stop)


def cfcheckpt(judge, payload):
    kind, stop, have = fields(judge, "filter_type", "stop_hash", "headers")
    return filter_type(kind) | {"stop_hash": reversed_hex(stop), "count": len(have), "filter_headers": hashes(have)}, \
        bytes([kind]) + bytes.fromhex(stop) + compact(len(have)) + bytes.fromhex("".join(have))


MESSAGES = {
    "version": version, "ping": nonce64, "pong": pong, "addr": addr, "addrv2": addrv2, "inv": inventory("inv"),
    "getdata": inventory("inv"), "notfound": inventory("vec"), "getblocks": locator, "getheaders": locator, "headers": headers,
    "tx": tx, "block": block, "merkleblock": merkleblock, "sendcmpct": sendcmpct, "cmpctblock": cmpctblock,
    "getblocktxn": getblocktxn, "blocktxn": blocktxn, "feefilter": feefilter, "sendtxrcncl": sendtxrcncl, "feature": feature,
    "filterload": filterload, "filteradd": filteradd, "getcfilters": getcfilters, "getcfheaders": getcfilters, "cfilter": cfilter,
    "cfheaders": cfheaders, "getcfcheckpt": getcfcheckpt, "cfcheckpt": cfcheckpt,
} | dict.fromkeys(("verack", "sendaddrv2", "getaddr", "mempool", "filterclear", "sendheaders", "wtxidrelay"), nothing)

# Exception: types that the judge never heard of, since Bitcoin Core has removed them (BIP 61; the alert system).
REMOVED = {"reject", "alert"}


# ---- the comparison -----------------------------------------------------------------------------------------------------

def limit_exceeded(msgtype, expected):
    """src/net_processing.cpp: MAX_ADDR_TO_SEND, MAX_INV_SZ, MAX_HEADERS_RESULTS, MAX_LOCATOR_SZ, MAX_SCRIPT_ELEMENT_SIZE;
    src/common/bloom.h: MAX_BLOOM_FILTER_SIZE, MAX_HASH_FUNCS."""
    limits = {"addr": 1000, "addrv2": 1000, "inv": 50000, "getdata": 50000, "headers": 2000, "getblocks": 101, "getheaders": 101}
    if expected.get("count", 0) > limits.get(msgtype, 1 << 64):
        return limits[msgtype]
    if msgtype == "filterload" and len(expected["filter"]) > 2 * 36000:
        return 36000
    if msgtype == "filterload" and expected["hash_functions"] > 50:
        return 50
    if msgtype == "filteradd" and len(expected["data"]) > 2 * 520:
        return 520
    return 0


def difference(ours, expected, path=""):
    """Where they differ, in words; empty if they do not."""
    if isinstance(ours, dict) and isinstance(expected, dict):
        for name in sorted(set(ours) | set(expected)):
            if name not in ours or name not in expected:
                return f"{path}.{name} is {'missing' if name not in ours else 'unknown to the judge'}"
            if found := difference(ours[name], expected[name], f"{path}.{name}"):
                return found
        return ""
    if isinstance(ours, list) and isinstance(expected, list) and len(ours) == len(expected):
        return next((found for i, pair in enumerate(zip(ours, expected)) if (found := difference(*pair, f"{path}[{i}]"))), "")
    return "" if ours == expected and type(ours) is type(expected) else f"{path}: ours {str(ours)[:100]}, judge's {str(expected)[:100]}"


FINDINGS = ("summary", "status", "problem", "problem_at", "cut_at", "trailing_bytes", "limit_exceeded")
NOT_THERE = "is not in the whole"


def beginning(part, whole, path=""):
    """Where what is there of a message is not how the whole begins; empty if it is."""
    if isinstance(part, dict) and isinstance(whole, dict):
        for name, value in part.items():
            if name in FINDINGS and not path:
                continue
            if name == "partial_tx":
                rest = whole["txs"][len(part["txs"]):] + ([whole[name]] if name in whole else [])
                found = beginning(value, rest[0], f"{path}.partial_tx") if rest else f"{path}.partial_tx is one too many"
            elif name in ("input_count", "output_count") and name not in whole and "txid" in whole:
                total = len(whole["inputs" if name == "input_count" else "outputs"])
                found = "" if value == total else f"{path}.{name}: {value} of {total}"
            elif name.endswith("_hex") and name not in whole and name.removesuffix("_hex") in part:
                found = ""  # it was cut within a character
            elif name not in whole:
                found = f"{path}.{name} {NOT_THERE}"
            elif name in ("count", "short_id_count", "prefilled_count"):
                found = "" if value == whole[name] else f"{path}.{name}: {value} of {whole[name]}"
            else:
                found = beginning(value, whole[name], f"{path}.{name}")
            if found:
                return found
        return ""
    if isinstance(part, list) and isinstance(whole, list):
        if len(part) > len(whole):
            return f"{path}: {len(part)} elements of {len(whole)}"
        return next((found for i, pair in enumerate(zip(part, whole)) if (found := beginning(*pair, f"{path}[{i}]"))), "")
    if isinstance(part, str) and isinstance(whole, str) and path.count(".") == 1:
        return "" if whole.startswith(part.rstrip("\ufffd")) else f"{path}: {part[:80]} does not begin {whole[:80]}"  # bytes that were cut
    return "" if part == whole else f"{path}: {str(part)[:80]}, whole {str(whole)[:80]}"


def has_witness_fault(judge, test):
    """Whether a transaction anywhere in the judge's object has the fault."""
    if isinstance(judge, dict):
        return (set(judge) == {"nLockTime", "version", "vin", "vout", "wit"} and test(Tx(judge))) or \
            any(has_witness_fault(each, test) for each in judge.values())
    return isinstance(judge, list) and any(has_witness_fault(each, test) for each in judge)


def judge_was_lenient(message, problem, at, expected, raw):
    """Why Bitcoin Core does not read a message that the judge reads: every such rule is an exception. Empty if there is no reason."""
    judge, size, consumed = message["judge"], message["size"], message["judge_consumed"]
    msgtype, payload = message["msgtype"], bytes.fromhex(message["payload"])
    if problem in ("ends early", "count too large for the message"):
        # BytesIO.read() gives fewer bytes at the end, and int.from_bytes() of none is 0; DataStream::read() throws. So the judge has
        # read all there is, and what it made of it would be other bytes.
        return "reads behind the end" if consumed == size and raw != payload else ""
    if problem in ("non-canonical size", "size too large"):
        # deser_compact_size() takes any; ReadCompactSize() of src/serialize.h throws.
        number, end = read_compact(payload, at)
        wrong = len(compact(number)) < end - at if problem == "non-canonical size" else number > 0x02000000  # MAX_SIZE
        return "takes any size" if end <= size and wrong else ""
    if problem == "string too long":
        limit = {"version": 256,                         # LIMITED_STRING, MAX_SUBVERSION_LENGTH
                 "feature": 80 if at == 0 else 512}      # MAX_FEATUREID_LENGTH, MAX_FEATUREDATA_LENGTH (BIP 434)
        return "knows no limits of strings" if read_compact(payload, at)[0] > limit.get(msgtype, 1 << 64) else ""
    if problem == "value out of range":
        out_of_range = {"feature": lambda: len(expected["feature_id"].encode()) < 4,  # BIP 434
                        "sendcmpct": lambda: payload[0] > 1}  # BIP 152: MUST be 0 or 1; ProcessMessage() punishes others
        return "knows no limits of values" if msgtype in out_of_range and out_of_range[msgtype]() else ""
    if problem == "trailing bytes":
        return "passes over trailing bytes" if msgtype == "feature" and consumed < size else ""  # BIP 434: must disconnect
    if problem == "superfluous witness":
        # UnserializeTransaction(): "It's illegal to encode witnesses when all witness stacks are empty."
        none = has_witness_fault(judge, lambda one: one.all_stacks_empty or not one.expected["inputs"])
        return "takes witnesses that are all empty" if none else ""
    if problem == "unknown witness flag":
        # UnserializeTransaction(): "Unknown transaction optional data". The judge takes any flag but 0 for 1.
        flagged = has_witness_fault(judge, lambda one: one.has_witness)
        return "takes any flag" if flagged and raw != payload[:consumed] else ""
    if problem == "index overflow":
        # DifferenceFormatter of src/blockencodings.h, and the limit in PrefilledTransaction's 16 bits.
        indexes = expected.get("indexes") or [each["index"] for each in expected.get("prefilled", [])]
        return "adds up without limit" if indexes and indexes[-1] > 0xffff else ""
    return ""


def headers_with_transactions(ours):
    """Exception: the judge reads `headers` as blocks and the transactions they count; Bitcoin Core reads each count, "assume it
    is 0", and goes on with the next header."""
    return any("tx_count" in each for each in ours.get("headers", []))


def compare(message, ours):
    """What is wrong, in words; empty if nothing is."""
    msgtype, judge, payload = message["msgtype"], message["judge"], bytes.fromhex(message["payload"])
    if judge is None:
        return compare_without_judge(msgtype, message["judge_error"], message, ours)
    if msgtype not in MESSAGES:
        raise Unexpected(f"type {msgtype}")
    if message["size"] == 0 and judge == {} and MESSAGES[msgtype] is not nothing:
        # Exception: the judge reads no payload that is empty. A ping of before BIP 31 and a weird pong have no nonce; all others
        # begin with something that must be there.
        wanted = {} if msgtype in ("ping", "pong") else {"status": "malformed", "problem": "ends early", "problem_at": 0}
        return difference({name: value for name, value in ours.items() if name != "summary"}, wanted)
    if msgtype == "headers" and headers_with_transactions(ours):
        return ""
    expected, raw = MESSAGES[msgtype](judge, payload)
    status = ours.get("status")
    if status == "malformed":
        if not judge_was_lenient(message, ours["problem"], ours["problem_at"], expected, raw):
            return f"malformed at {ours['problem_at']} ({ours['problem']}), but the judge read it"
        return beginning(ours, expected)
    if status is not None:
        return f"status {status} of a message that was captured whole"
    if message["size"] != message["judge_consumed"]:
        expected["trailing_bytes"] = message["size"] - message["judge_consumed"]
    if limit := limit_exceeded(msgtype, expected):
        expected["limit_exceeded"] = limit
    return difference({name: value for name, value in ours.items() if name != "summary"}, expected)


def compare_without_judge(msgtype, error, message, ours):
    if error == "unrecognized message type":
        if msgtype in REMOVED:
            return ""
        wanted = {"bytes": message["payload"]}
        return difference({name: value for name, value in ours.items() if name != "summary"}, wanted)
    if error == "judge omitted for size":
        return f"status {ours['status']}" if "status" in ours else ""
    if error != "unable to deserialize":
        raise Unexpected(f"judge_error {error}")
    if ours.get("status") == "malformed":
        return ""
    # Exceptions: what Bitcoin Core reads and the judge does not.
    if msgtype == "filteradd":
        return ""  # msg_filteradd() wants an argument that the judge does not give: it can read none at all
    if msgtype == "version" and message["size"] == 46:
        return ""  # it may end behind the receiver's address (ProcessMessage(), "version"); inet_ntoa() fails on no bytes
    if msgtype == "feature" and "feature_id_hex" in ours:
        return ""  # the id is any bytes for Bitcoin Core (LIMITED_STRING), UTF-8 for the judge
    if msgtype == "version" and "user_agent_hex" in ours:
        return ""  # likewise
    if msgtype == "addrv2" and any(not isinstance(each["network"], str) or each["network"] == "torv2" for each in ours["addresses"]):
        return ""  # networks nobody knows are passed over (BIP 155; SetNetFromBIP155Network()), and Tor v2 is one of them by now
    return "the judge could not read it"


def decode(program, lines):
    done = subprocess.run([program], input="".join(lines), stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    out = done.stdout.split("\n")  # not splitlines(): peers write separators of lines
    assert out.pop() == "" and len(out) == len(lines), f"{len(lines)} messages in, {len(out)} lines out"
    return [json.loads(line) for line in out]


def line_of(message, captured=None):
    name = message["msgtype"] if message["msgtype"].isascii() and message["msgtype"].isalnum() else "other"
    payload = message["payload"] if captured is None else message["payload"][:2 * captured]
    return f"{name} {message['size']} {payload or '-'}\n"


def cuts(messages):
    """(message, bytes captured of it): three places in every message of common size."""
    return [(message, message["size"] * quarter // 4) for message in messages if 4 <= message["size"] <= 20_000 for quarter in (1, 2, 3)]


def check_cuts(program, messages, whole):
    """What was cut by us is how the whole begins. Returns complaints and how many were cut."""
    of = {id(message): ours for message, ours in zip(messages, whole)}
    cases = cuts(messages)
    complaints = []
    for (message, captured), ours in zip(cases, decode(program, [line_of(*case) for case in cases])):
        full = of[id(message)]
        if "bytes" in full:
            continue  # nothing of it is decoded
        # What is malformed may be so before the cut, and what trails may be cut off unseen. A field that is wrong once all is there
        # may be shown as long as it is not.
        if full.get("status") != "malformed" and full.get("trailing_bytes", 0) == 0 and (ours.get("status"), ours.get("cut_at")) != ("cut", captured):
            complaints.append(f"{message['msgtype']} of {message['size']} bytes, {captured} captured: {str(ours)[:200]}")
        elif (found := beginning(ours, full)) and not (full.get("status") == "malformed" and found.endswith(NOT_THERE)):
            complaints.append(f"{message['msgtype']} of {message['size']} bytes, {captured} captured: {found}")
    return complaints, len(cases)


def check(program, messages):
    """Complaints, one a line, and a summary."""
    complaints, compared, judged = [], collections.Counter(), 0
    decoded = decode(program, [line_of(message) for message in messages])
    for message, ours in zip(messages, decoded):
        try:
            found = compare(message, ours)
        except (Unexpected, KeyError) as unexpected:
            found = f"no rule: {unexpected!r}"
        if found:
            complaints.append(f"{message.get('test', '')} {message['msgtype']} of {message['size']} bytes {message['payload'][:64]}: {found}")
        compared[message["msgtype"]] += 1
        judged += message["judge"] is not None
    more, cut = check_cuts(program, messages, decoded)
    return complaints + more, f"{sum(compared.values())} messages of {len(compared)} types compared, {judged} of them field by field; {cut} more cut short"


# ---- the test of the test -----------------------------------------------------------------------------------------------

def self_test(program):
    """What should be found is found: each message is right, and every change to what the judge says is noticed."""
    root, previous = "11" * 32, "22" * 32
    head = {"hashMerkleRoot": root, "hashPrevBlock": previous, "nBits": 545259519, "nNonce": 4, "nTime": 1795322817, "nVersion": 805306368}
    one_tx = {"nLockTime": 7, "version": 2, "vin": [{"nSequence": 5, "prevout": {"hash": root, "n": 1}, "scriptSig": "51"}],
              "vout": [{"nValue": 9, "scriptPubKey": "52"}], "wit": {"vtxinwit": [{"scriptWitness": {"stack": ["aa", ""]}}]}}
    judges = {
        "ping": {"nonce": 5},
        "inv": {"inv": [{"type": 5, "hash": root}, {"type": 77, "hash": previous}]},
        "headers": {"headers": [head]},
        "tx": {"tx": one_tx},
        "cmpctblock": {"header_and_shortids": {"header": head, "nonce": 9, "prefilled_txn": [{"index": 3, "tx": one_tx}],
                                               "prefilled_txn_length": 1, "shortids": [1 << 40], "shortids_length": 1}},
        "sendtxrcncl": {"version": 1, "salt": 2}, "verack": {},
        "feature": {"feature_id": "abcd", "feature_data": "00"},
        "getcfilters": {"filter_type": 0, "start_height": 3, "stop_hash": root},
    }

    def changed(value):
        """Every object with one member changed, added or taken away."""
        if isinstance(value, dict):
            yield value | {"news": 1}
            for name, each in value.items():
                yield {other: value[other] for other in value if other != name}
                yield from (value | {name: other} for other in changed(each))
        elif isinstance(value, list):
            yield value[:-1]
            yield from ([other] + value[1:] for other in changed(value[0]) if value)
        elif isinstance(value, int):
            yield value + 1
        else:
            yield "33" + value[2:] if value else "33"

    failures = unnoticed = tried = 0
    for msgtype, judge in judges.items():
        payload = MESSAGES[msgtype](judge, b"")[1]
        message = {"msgtype": msgtype, "size": len(payload), "payload": payload.hex(), "judge": judge, "judge_consumed": len(payload)}
        ours = decode(program, [line_of(message)])[0]
        if found := compare(message, ours):
            failures += 1
            print(f"self-test: {msgtype}: {found}")
        lies = [message | {"judge": lie} for lie in changed(judge)]
        lies.append(message | {"judge_consumed": len(payload) - 1})
        lies.append(message | {"judge": None, "judge_error": "unable to deserialize"})
        lies.append(message | {"judge": None, "judge_error": "unrecognized message type"})
        lies.append(message | {"judge": None, "judge_error": "something new"})
        for lie in lies:
            tried += 1
            try:
                if not compare(lie, ours):
                    unnoticed += 1
                    print(f"self-test: {msgtype}: not noticed: {str(lie)[:300]}")
            except (Unexpected, KeyError, IndexError, ValueError, AssertionError):
                pass
        if payload and not compare(message, decode(program, [line_of(message | {"size": len(payload) - 1, "payload": payload[:-1].hex()})])[0]):
            unnoticed += 1
            print(f"self-test: {msgtype}: a byte less is not noticed")
    print(f"judge_test: self-test: {len(judges)} messages, {tried} lies, {failures} failures, {unnoticed} not noticed")
    return 1 if failures or unnoticed else 0


def main():
    program = sys.argv[1]
    if "--self-test" in sys.argv[2:]:
        return self_test(program)
    shared = pathlib.Path(os.environ.get("CORETAP_SHARED") or pathlib.Path(__file__).resolve().parents[4] / "shared")
    files = sorted(glob.glob(str(shared / "data" / "messages" / "*.jsonl.gz")))
    if not files:
        print(f"SKIP: no messages in {shared / 'data' / 'messages'}: nothing was compared with Bitcoin Core (CORETAP_SHARED says where they are)")
        return 77
    messages = []
    for name in files:
        with gzip.open(name, "rt", encoding="utf-8") as lines:
            messages += [json.loads(line) for line in lines]
    complaints, summary = check(program, messages)
    for complaint in complaints[:SHOWN_FAILURES]:
        print(complaint)
    print(f"judge_test: {len(files)} files, {summary}, {len(complaints)} differences")
    return 1 if complaints or not messages else 0


if __name__ == "__main__":
    sys.exit(main())
