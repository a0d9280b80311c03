"""What coretap should show of a message, made from the judge's reading of it (judge_test.py) and, where the judge is silent, the payload.

The ids, sizes and names that the judge does not give are computed. "Exception" marks where the judge knows less than Bitcoin Core
does, with the reason.
"""
import base64
import hashlib
import ipaddress
import struct


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


INTERNAL = bytes.fromhex("fd6b88c08724")  # INTERNAL_IN_IPV6_PREFIX, src/netaddress.h


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
    elif host.startswith(INTERNAL):
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
    network = NETWORKS[net]
    if net in (2, 6):
        raw = ipaddress.IPv6Address(ip).packed
        ip = ipv6(raw)
        if net == 2 and raw.startswith(INTERNAL):
            # Exception: no more than an IPv6 address for the judge; UnserializeV2Stream() of src/netaddress.h recognizes it.
            network, ip = "internal", base32(raw[6:]) + ".internal"
    return services(number) | {"network": network, "address": ip, "port": port, "time": time}


def packed(net, ip):
    """The bytes of an address in addrv2."""
    if net == 4:
        return base64.b32decode(ip.removesuffix(".onion").upper())[:-3]  # the key; behind it stand a checksum and a version
    if net == 5:
        # Of a key that is not whole the judge takes away four digits in place of the padding: those bytes are lost.
        digits = ip.removesuffix(".b32.i2p").upper()
        return base64.b32decode(digits + "====") if len(digits) == 52 else b""
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
    if len(payload) > 46:  # whoever has an address of his own has a nonce, too
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


# ---- from the payload alone, where the judge reads nothing, or something else --------------------------------------------

def headers_alone(payload):
    """Exception: the judge reads `headers` as blocks, with the transactions they count; Bitcoin Core reads each count, "assume it is
    0", and goes on with the next header (ProcessMessage(), "headers")."""
    count, at = read_compact(payload, 0)
    shown = []
    for _ in range(count):
        shown.append(header_of(payload[at:at + 80]))
        tx_count, at = read_compact(payload, at + 80)
        if tx_count:
            shown[-1]["tx_count"] = tx_count
    return {"count": count, "headers": shown}, at


def addrv2_alone(payload):
    """Exception: the judge stops at networks it does not know, and Tor v2 is one; Bitcoin Core passes over those addresses (BIP 155;
    SetNetFromBIP155Network() and UnserializeV2Stream() of src/netaddress)."""
    count, at = read_compact(payload, 0)
    shown = []
    for _ in range(count):
        time, = struct.unpack_from("<I", payload, at)
        number, at = read_compact(payload, at + 4)
        network = payload[at]
        size, at = read_compact(payload, at + 1)
        raw = payload[at:at + size]
        port, = struct.unpack_from(">H", payload, at + size)
        at += size + 2
        name, address = network, raw.hex()
        if network == 3 and size == 10:
            name, address = "torv2", base32(raw) + ".onion"
        elif network == 2 and raw.startswith(INTERNAL):
            name, address = "internal", base32(raw[6:]) + ".internal"
        elif network in NETWORKS:
            name = NETWORKS[network]
            if network == 4:
                checksum = hashlib.sha3_256(b".onion checksum" + raw + b"\x03").digest()[:2]
                address = base32(raw + checksum + b"\x03") + ".onion"
            elif network == 5:
                address = base32(raw) + ".b32.i2p"
            else:
                address = str(ipaddress.ip_address(raw))
        shown.append(services(number) | {"network": name, "address": address, "port": port, "time": time})
    return {"count": count, "addresses": shown}, at


def filteradd_alone(payload):
    """Exception: msg_filteradd() wants an argument that the judge does not give, so it reads none at all."""
    size, at = read_compact(payload, 0)
    return {"data": payload[at:at + size].hex()}, at + size


ALONE = {"headers": headers_alone, "addrv2": addrv2_alone, "filteradd": filteradd_alone}
