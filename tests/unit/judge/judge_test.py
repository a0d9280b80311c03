#!/usr/bin/env python3
"""Compares coretap's decoding of P2P messages with Bitcoin Core's test framework's, over messages that real nodes exchanged.

The judge's reading of each message is in ../shared/data/messages/*.jsonl.gz (CORETAP_SHARED overrides ../shared; without it the
test skips). From it and the payload this script makes the JSON that coretap should give, and wants exactly that: a member
that either side has and the other lacks is a failure, and so is a member of the judge's that this script does not know.
What the judge does not tell but follows from it (ids, sizes, names of services) is computed here.

Where judge and coretap may differ, a rule here or in expected.py says why, from the BIP or from Bitcoin Core's C++: look for
"Exception".

    judge_test.py PATH_OF_decode_payloads [--self-test]

Exit status: 0 all agree, 1 they do not, 77 no data.
"""
import collections
import glob
import gzip
import json
import os
import pathlib
import struct
import subprocess
import sys

from expected import ALONE, MESSAGES, REMOVED, Tx, Unexpected, compact, nothing, read_compact

SHOWN_FAILURES = 20


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
        return "takes any flag" if payload[at - 1] == 0 and payload[at] > 1 and raw != payload[:consumed] else ""
    if problem == "index overflow":
        # DifferenceFormatter of src/blockencodings.h, and the limit in PrefilledTransaction's 16 bits.
        indexes = expected.get("indexes") or [each["index"] for each in expected.get("prefilled", [])]
        return "adds up without limit" if indexes and indexes[-1] > 0xffff else ""
    return ""


def compare_alone(message, ours):
    """What is wrong with a whole message by its payload alone."""
    payload = bytes.fromhex(message["payload"])
    try:
        expected, end = ALONE[message["msgtype"]](payload)
    except (IndexError, struct.error, ValueError) as short:
        return f"shown as whole, but it ends early: {short}"
    if end > len(payload):
        return "shown as whole, but it ends early"
    if end < len(payload):
        expected["trailing_bytes"] = len(payload) - end
    if limit := limit_exceeded(message["msgtype"], expected):
        expected["limit_exceeded"] = limit
    return difference({name: value for name, value in ours.items() if name != "summary"}, expected)


def too_many_for_16_bits(payload):
    """A cmpctblock's short ids and prefilled transactions together (CBlockHeaderAndShortTxIDs, src/blockencodings.h)."""
    short_ids, at = read_compact(payload, 88)
    return short_ids + read_compact(payload, at + 6 * short_ids)[0] > 0xffff


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
    if msgtype == "headers" and any("tx_count" in each for each in ours.get("headers", [])):
        return "" if "status" in ours else compare_alone(message, ours)
    expected, raw = MESSAGES[msgtype](judge, payload)
    status = ours.get("status")
    if status == "malformed":
        if not judge_was_lenient(message, ours["problem"], ours["problem_at"], expected, raw):
            return f"malformed at {ours['problem_at']} ({ours['problem']}), but the judge read it"
        return beginning(ours, expected)
    if status is not None:
        return f"status {status} of a message that was captured whole"
    if msgtype == "feature" and message["size"] != message["judge_consumed"]:
        return "bytes behind a feature: must disconnect (BIP 434)"
    if msgtype == "version" and 46 < message["size"] < 80:
        return "a version that ends within the sender's address or nonce"
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
        if msgtype == "cmpctblock" and ours.get("problem") == "index overflow" and too_many_for_16_bits(bytes.fromhex(message["payload"])):
            return ""
        return f"status {ours['status']}" if "status" in ours else ""
    if error != "unable to deserialize":
        raise Unexpected(f"judge_error {error}")
    if ours.get("status") == "malformed":
        return ""
    # Exceptions: what Bitcoin Core reads and the judge does not.
    beyond_it = {"filteradd": lambda: True,
                 "headers": lambda: any("tx_count" in each for each in ours["headers"]),
                 "addrv2": lambda: any(not isinstance(each["network"], str) or each["network"] == "torv2" for each in ours["addresses"])}
    if msgtype in beyond_it and beyond_it[msgtype]():
        return compare_alone(message, ours)
    if msgtype == "version" and message["size"] == 46:
        return ""  # it may end behind the receiver's address (ProcessMessage(), "version"); inet_ntoa() fails on no bytes
    if msgtype == "feature" and "feature_id_hex" in ours:
        return ""  # the id is any bytes for Bitcoin Core (LIMITED_STRING), UTF-8 for the judge
    if msgtype == "version" and "user_agent_hex" in ours:
        return ""  # likewise
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
