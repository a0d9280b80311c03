#include "unit/docs/messages_doc.h"

namespace coretap::test {
namespace {

constexpr std::string_view HASH{"hash"};
constexpr std::string_view HEX{"hex"};
constexpr std::string_view HEX_NUMBER{"hex number"};
constexpr std::string_view INTEGER{"integer"};
constexpr std::string_view STRING{"string"};
constexpr std::string_view BOOL{"bool"};
constexpr std::string_view NAME{"name"};
constexpr std::string_view OBJECT{"object"};
constexpr std::string_view LIST{"array"};

// clang-format off

constexpr MemberDoc FINDINGS[]{
    {"summary", STRING, "the phrase that the text form shows, and what is wrong, in words"},
    {"status", STRING, "`cut`: the capture ends before the message does. `malformed`: Bitcoin Core would not read it either. Absent if neither"},
    {"cut_at", INTEGER, "with `cut`: bytes that were captured"},
    {"problem", STRING, "with `malformed`: what is wrong, one of those below"},
    {"problem_at", INTEGER, "with `malformed`: offset of the field that has the problem"},
    {"trailing_bytes", INTEGER, "bytes behind the end of the message; Bitcoin Core passes over them. Absent if there are none"},
    {"limit_exceeded", INTEGER, "the limit of the protocol that a count or size in the message exceeds, for which Bitcoin Core disconnects the peer"},
};

constexpr MemberDoc ADDRESS[]{
    {"time", INTEGER, "when the node was last seen, Unix seconds; not in `version`", {}, true},
    {"services", HEX_NUMBER, "what the node offers, 16 digits, as getpeerinfo's `services`"},
    {"services_names", LIST, "the same by name, as getpeerinfo's `servicesnames`: `NETWORK`, `BLOOM`, `WITNESS`, `COMPACT_FILTERS`, `NETWORK_LIMITED`, `P2P_V2`, `UNKNOWN[2^n]`"},
    {"network", NAME, "`ipv4`, `ipv6`, `onion`, `i2p`, `cjdns`; `torv2` and `internal` in old messages; the number of BIP 155 where the network is unknown"},
    {"address", STRING, "the address as Bitcoin Core prints it; hex where the network is unknown"},
    {"port", INTEGER, ""},
};

constexpr MemberDoc HEADER[]{
    {"hash", HASH, "of the block"},
    {"version", INTEGER, ""},
    {"previous_block_hash", HASH, ""},
    {"merkle_root", HASH, ""},
    {"time", INTEGER, "Unix seconds"},
    {"bits", HEX_NUMBER, "the target, 8 digits"},
    {"nonce", INTEGER, ""},
    {"tx_count", INTEGER, "in `headers` only, and only if it is not 0 as it should be", {}, true},
};

constexpr MemberDoc INPUT[]{
    {"txid", HASH, "of the output that is spent; zeros in a coinbase"},
    {"vout", INTEGER, "its index"},
    {"script_sig", HEX, ""},
    {"sequence", INTEGER, ""},
    {"witness", LIST, "hex; only in a transaction with witness", {}, true},
};

constexpr MemberDoc OUTPUT[]{
    {"n", INTEGER, "its index"},
    {"value", INTEGER, "satoshi; nobody has checked its range"},
    {"script_pubkey", HEX, ""},
};

constexpr MemberDoc TRANSACTION[]{
    {"txid", HASH, ""},
    {"wtxid", HASH, "equals `txid` where there is no witness"},
    {"version", INTEGER, "unsigned, as Bitcoin Core shows it since 28.0"},
    {"size", INTEGER, "bytes, witness included"},
    {"vsize", INTEGER, "virtual bytes, rounded up (BIP 141)"},
    {"weight", INTEGER, ""},
    {"lock_time", INTEGER, ""},
    {"input_count", INTEGER, "of a transaction that is cut or malformed, how many there should be; that one has no ids, sizes, `lock_time`", {}, true},
    {"inputs", LIST, "", "input"},
    {"output_count", INTEGER, "likewise", {}, true},
    {"outputs", LIST, "", "output"},
};

constexpr MemberDoc INV_ENTRY[]{
    {"type", NAME, "`tx`, `block`, `filtered_block`, `cmpct_block`, `wtx`, `witness_tx`, `witness_block`, `witness_filtered_block`; the number where it is another"},
    {"hash", HASH, "a txid, a wtxid (`wtx`), or a block's hash"},
};

constexpr MemberDoc PREFILLED[]{
    {"index", INTEGER, "absolute index in the block"},
    {"tx", OBJECT, "", "transaction"},
};

constexpr GroupDoc GROUPS[]{
    {"address", "An address, of a peer or in gossip:", ADDRESS},
    {"header", "A block header:", HEADER},
    {"transaction", "A transaction:", TRANSACTION},
    {"input", "Each of `inputs`:", INPUT},
    {"output", "Each of `outputs`:", OUTPUT},
    {"inv entry", "Each of `entries`:", INV_ENTRY},
    {"prefilled", "Each of `prefilled`:", PREFILLED},
};

constexpr MemberDoc VERSION[]{
    {"version", INTEGER, "of the protocol"},
    {"services", HEX_NUMBER, "what the sender offers, as in an address"},
    {"services_names", LIST, "as in an address"},
    {"time", INTEGER, "the sender's clock, Unix seconds"},
    {"addr_recv", OBJECT, "the address it believes to be talking to", "address"},
    {"addr_from", OBJECT, "itself; without its address since 0.20", "address", true},
    {"nonce", HEX_NUMBER, "to notice a connection to oneself", {}, true},
    {"user_agent", STRING, "written by a stranger", {}, true},
    {"user_agent_hex", HEX, "the same, only where it is not UTF-8", {}, true},
    {"start_height", INTEGER, "blocks it has", {}, true},
    {"relay", BOOL, "false: no transactions, please (BIP 37). Absent in old messages", {}, true},
};
constexpr MemberDoc ADDRESSES[]{
    {"count", INTEGER, "how many the message says it has"},
    {"addresses", LIST, "", "address"},
};
constexpr MemberDoc INVENTORY[]{
    {"count", INTEGER, "how many the message says it has"},
    {"entries", LIST, "", "inv entry"},
};
constexpr MemberDoc LOCATOR[]{
    {"version", INTEGER, "of the protocol; Bitcoin Core ignores it"},
    {"count", INTEGER, "hashes the message says it has"},
    {"locator", LIST, "hashes of blocks the sender has, the newest first"},
    {"stop_hash", HASH, "the last that is wanted; zeros: as many as there are"},
};
constexpr MemberDoc HEADERS[]{
    {"count", INTEGER, "how many the message says it has"},
    {"headers", LIST, "", "header"},
};
constexpr MemberDoc TRANSACTIONS[]{
    {"count", INTEGER, "transactions the message says it has"},
    {"txs", LIST, "those that are there in full", "transaction"},
    {"partial_tx", OBJECT, "the one that was cut or is malformed", "transaction", true},
};
constexpr MemberDoc BLOCK_TXN[]{
    {"block_hash", HASH, ""},
    TRANSACTIONS[0],
    TRANSACTIONS[1],
    TRANSACTIONS[2],
};
constexpr MemberDoc MERKLE_BLOCK[]{
    {"total_transactions", INTEGER, "of the whole block"},
    {"count", INTEGER, "hashes the message says it has"},
    {"hashes", LIST, "of transactions and nodes of the tree, depth first"},
    {"flags", HEX, "a bit for each node of the walk, least significant first"},
};
constexpr MemberDoc NONCE[]{{"nonce", HEX_NUMBER, "the pong repeats its ping's. Absent in a ping of before BIP 31, and in a pong too short for one"}};
constexpr MemberDoc FILTER_LOAD[]{
    {"filter", HEX, ""},
    {"hash_functions", INTEGER, ""},
    {"tweak", INTEGER, ""},
    {"flags", INTEGER, "whether matches are added to the filter"},
};
constexpr MemberDoc FILTER_ADD[]{{"data", HEX, "an element to add"}};
constexpr MemberDoc FEE_FILTER[]{{"feerate", INTEGER, "satoshi per 1,000 virtual bytes"}};
constexpr MemberDoc SEND_CMPCT[]{
    {"announce", BOOL, "whether new blocks shall come unasked: high bandwidth"},
    {"version", INTEGER, "of compact blocks; 2 is the one with wtxids"},
};
constexpr MemberDoc CMPCT_BLOCK[]{
    {"header", OBJECT, "", "header"},
    {"nonce", HEX_NUMBER, "for the short ids"},
    {"short_id_count", INTEGER, "how many the message says it has"},
    {"short_ids", LIST, "hex numbers of 12 digits"},
    {"prefilled_count", INTEGER, "how many the message says it has"},
    {"prefilled", LIST, "transactions the peer is not expected to have", "prefilled"},
};
constexpr MemberDoc GET_BLOCK_TXN[]{
    {"block_hash", HASH, ""},
    {"count", INTEGER, "indexes the message says it has"},
    {"indexes", LIST, "absolute indexes in the block"},
};
constexpr MemberDoc GET_FILTERS[]{
    {"filter_type", NAME, "`basic` (BIP 158), or the number"},
    {"start_height", INTEGER, ""},
    {"stop_hash", HASH, "the last block"},
};
constexpr MemberDoc FILTER[]{
    {"filter_type", NAME, "`basic` (BIP 158), or the number"},
    {"block_hash", HASH, ""},
    {"filter", HEX, "as BIP 158 encodes it"},
};
constexpr MemberDoc FILTER_HEADERS[]{
    {"filter_type", NAME, "`basic` (BIP 158), or the number"},
    {"stop_hash", HASH, "the last block"},
    {"previous_filter_header", HASH, ""},
    {"count", INTEGER, "hashes the message says it has"},
    {"filter_hashes", LIST, ""},
};
constexpr MemberDoc GET_CHECKPOINTS[]{
    {"filter_type", NAME, "`basic` (BIP 158), or the number"},
    {"stop_hash", HASH, "the last block"},
};
constexpr MemberDoc CHECKPOINTS[]{
    {"filter_type", NAME, "`basic` (BIP 158), or the number"},
    {"stop_hash", HASH, "the last block"},
    {"count", INTEGER, "headers the message says it has"},
    {"filter_headers", LIST, "one in 1,000 blocks"},
};
constexpr MemberDoc SEND_TX_RCNCL[]{
    {"version", INTEGER, ""},
    {"salt", HEX_NUMBER, ""},
};
constexpr MemberDoc FEATURE[]{
    {"feature_id", STRING, "4 to 80 bytes"},
    {"feature_id_hex", HEX, "the same, only where it is not UTF-8", {}, true},
    {"feature_data", HEX, "at most 512 bytes"},
};
constexpr MemberDoc REJECT[]{
    {"message", STRING, "type of the message that is rejected"},
    {"code", INTEGER, ""},
    {"code_name", NAME, "`malformed`, `invalid`, `obsolete`, `duplicate`, `nonstandard`, `dust`, `insufficient_fee`, `checkpoint`; absent where it is another", {}, true},
    {"reason", STRING, "written by a stranger"},
    {"hash", HASH, "of the block or transaction, if it is one", {}, true},
};
constexpr MemberDoc ALERT[]{
    {"payload", HEX, "what was signed"},
    {"signature", HEX, ""},
    {"version", INTEGER, "this and what follows is in the payload: absent if that could not be read"},
    {"relay_until", INTEGER, "Unix seconds"},
    {"expiration", INTEGER, "Unix seconds"},
    {"id", INTEGER, ""},
    {"cancel", INTEGER, "alerts up to this id are cancelled"},
    {"cancels", LIST, "these are too"},
    {"min_version", INTEGER, "of the protocol, to which it applies"},
    {"max_version", INTEGER, ""},
    {"subversions", LIST, "user agents to which it applies; none: all"},
    {"priority", INTEGER, ""},
    {"comment", STRING, ""},
    {"status_bar", STRING, "what users were shown"},
    {"reserved", STRING, ""},
};
constexpr MemberDoc BYTES[]{{"bytes", HEX, "the payload"}};

constexpr TypeDoc TYPES[]{
    {"version", "The first message of either side (BIPs 14, 37, 60).", VERSION},
    {"verack", "The version is accepted.", {}},
    {"wtxidrelay", "Transactions shall be announced by wtxid (BIP 339).", {}},
    {"sendaddrv2", "Addresses shall come as `addrv2` (BIP 155).", {}},
    {"sendheaders", "New blocks shall be announced by their headers (BIP 130).", {}},
    {"sendcmpct", "Compact blocks are understood (BIP 152).", SEND_CMPCT},
    {"feefilter", "Transactions that pay less shall not be announced (BIP 133).", FEE_FILTER},
    {"sendtxrcncl", "Transactions may be announced by reconciliation (BIP 330).", SEND_TX_RCNCL},
    {"feature", "An optional feature is offered (BIP 434).", FEATURE},
    {"ping pong", "Is the peer alive, and how far away? (BIP 31)", NONCE},
    {"getaddr", "Asks for addresses of nodes.", {}},
    {"addr", "Addresses of nodes. The phrase counts them by network; of a single one it has the address.", ADDRESSES},
    {"addrv2", "The same for every network (BIP 155).", ADDRESSES},
    {"inv getdata notfound", "Announces, asks for, or does not have transactions and blocks (BIPs 37, 144, 152, 339). The phrase counts them by type; of a single one it has the hash, shortened.", INVENTORY},
    {"mempool", "Asks for an `inv` of the mempool (BIP 35).", {}},
    {"tx", "A transaction (BIP 144). The phrase has its txid, inputs, outputs, the sum of the outputs and the virtual size. Its members are those of a transaction.", TRANSACTION},
    {"getblocks getheaders", "Asks for what follows the blocks one has.", LOCATOR},
    {"headers", "Block headers. The phrase has the first's and the last's hash.", HEADERS},
    {"block", "A block: the members of a header, and", TRANSACTIONS},
    {"cmpctblock", "A compact block (BIP 152).", CMPCT_BLOCK},
    {"getblocktxn", "Asks for transactions of a compact block (BIP 152).", GET_BLOCK_TXN},
    {"blocktxn", "The transactions asked for (BIP 152).", BLOCK_TXN},
    {"filterload", "Sets a Bloom filter (BIP 37).", FILTER_LOAD},
    {"filteradd", "Adds to it (BIP 37).", FILTER_ADD},
    {"filterclear", "Removes it (BIP 37).", {}},
    {"merkleblock", "What of a block matches the filter (BIP 37): the members of a header, and", MERKLE_BLOCK},
    {"getcfilters getcfheaders", "Asks for block filters, or for their headers (BIP 157).", GET_FILTERS},
    {"cfilter", "The filter of a block (BIP 157).", FILTER},
    {"cfheaders", "Hashes of filters, from which their headers follow (BIP 157).", FILTER_HEADERS},
    {"getcfcheckpt", "Asks for filter headers far apart (BIP 157).", GET_CHECKPOINTS},
    {"cfcheckpt", "Those headers (BIP 157).", CHECKPOINTS},
    {"reject", "A message was refused (BIP 61). Bitcoin Core sent it until 0.20.", REJECT},
    {"alert", "A signed announcement to all users; the alert system ended in 2016, and this is its last.", ALERT},
    {"checkorder submitorder reply sendpackages", "Never relayed, or proposed: their bytes, as of any type that nobody knows. The phrase has the first eight.", BYTES},
};

// clang-format on

} // namespace

std::span<const GroupDoc> GroupDocs() { return GROUPS; }
std::span<const TypeDoc> TypeDocs() { return TYPES; }
std::span<const MemberDoc> FindingDocs() { return FINDINGS; }

} // namespace coretap::test
