#include "sinks/log/text_format.h"

#include "sinks/log/text_line.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::sinks::log {
namespace {

namespace id = event::id;
namespace message_arg = event::message_arg;
using event::Event;

// Columns. Names of events and types of messages share one; what is longer overflows.
constexpr std::size_t NODE_WIDTH{12};
constexpr std::size_t NAME_WIDTH{17};
constexpr std::size_t MESSAGE_TYPE_WIDTH{12};
constexpr std::size_t PEER_WIDTH{5};
constexpr std::size_t CONN_TYPE_WIDTH{20};
constexpr std::size_t SIZE_COLUMN_WIDTH{11}; // 4,000,000 B
constexpr std::size_t PHRASE_WIDTH{22};      // nonce 0123456789abcdef; an IPv4 address still ends at column 120

// ---- P2P messages ------------------------------------------------------------------------------------------------

void Warning(TextLine& line, std::string_view words) { line.Put("  ").Color(line.Colors().warn).Put(words).Color(line.Colors().reset); }

/** The payload's bytes, and why it is not there or not whole. */
void Payload(TextLine& line)
{
    const Event& event{line.Event()};
    const TextOptions& options{line.Options()};
    const bool shed{(event.Flags() & CT_F_SHED) != 0};
    if (event.Faulted(message_arg::PAYLOAD)) {
        if (shed) Warning(line, "payload shed");
        Warning(line, "payload unreadable");
        return;
    }
    const std::span<const std::byte> payload{event::ShownPayload(event, options.shown_payload)};
    const bool cut{payload.size() < event.Bytes(message_arg::PAYLOAD).size() || event.Cut(message_arg::PAYLOAD)};
    if (options.payload_hex && !payload.empty()) line.Put("  ").Hex(payload, cut);
    if (shed) {
        Warning(line, "payload shed");
    } else if (options.decode == event::Decode::Off && !payload.empty() && payload.size() < event.Uint(message_arg::SIZE)) {
        // None at all is what was asked for, and every line would say so. What was decoded says itself where it was cut.
        line.Put("  ").Color(line.Colors().dim).Put("payload cut").Color(line.Colors().reset);
    }
}

/** There is something to decode, and to say of it: not of a payload of which nothing was captured. */
bool SaysSomething(const Event& event)
{
    if (!event::HasPayload(event)) return false;
    const bool nothing_captured{event.Bytes(message_arg::PAYLOAD).empty() && event.Cut(message_arg::PAYLOAD)};
    return !nothing_captured;
}

void Message(TextLine& line)
{
    const bool inbound{event::IsInbound(line.Event())};
    const bool ascii{line.Options().ascii};
    const Style& style{line.Colors()};
    line.Color(inbound ? style.inbound : style.outbound);
    line.Put(inbound ? (ascii ? "<- " : "← ") : (ascii ? "-> " : "→ "));
    line.ArgPadded(message_arg::MSG_TYPE, MESSAGE_TYPE_WIDTH).Color(style.reset);
    line.Pad(MESSAGE_TYPE_WIDTH + (ascii ? 3 : 2), NAME_WIDTH);
    // the address last: an onion's or a host name's would push everything behind it out of line
    line.ArgRight(message_arg::SIZE, SIZE_COLUMN_WIDTH);
    line.Put("  peer ").ArgRight(message_arg::PEER_ID, PEER_WIDTH).Put("  ");
    line.ArgPadded(message_arg::CONN_TYPE, CONN_TYPE_WIDTH).Put(" ");
    const event::Decode decode{SaysSomething(line.Event()) ? line.Options().decode : event::Decode::Off};
    const wire::Decoded decoded{decode == event::Decode::Off ? wire::Decoded{} : event::DecodeMessage(line.Event())};
    if (line.Options().decode == event::Decode::Short) {
        // The phrase first, since it is of one height on the screen with all others; lines without one keep the column.
        line.Phrase(decoded, PHRASE_WIDTH, decode == event::Decode::Short);
    }
    line.Color(style.dim).Arg(message_arg::ADDR).Color(style.reset);
    if (decode == event::Decode::Full) line.Content(decoded);
    if (decode != event::Decode::Off) line.Findings(decoded);
    Payload(line);
}

// ---- the others: a sentence each. Arguments by their position in the catalogue ----------------------------------

/** `203.0.113.7:8333 (ipv4, inbound)`. The four connection events that have these begin alike. */
void Connection(TextLine& line)
{
    line.Color(line.Colors().dim).Arg(1).Color(line.Colors().reset).Put(" (").Arg(3).Put(", ").Arg(2).Put(")");
}

void InboundConnection(TextLine& line)
{
    line.Put("peer ").Arg(0).Put(" connected from ");
    Connection(line);
    line.Put(", ").Counted(4, "inbound connection", "inbound connections");
}

void OutboundConnection(TextLine& line)
{
    line.Put("connected to peer ").Arg(0).Put(" at ");
    Connection(line);
    line.Put(", ").Counted(4, "outbound connection", "outbound connections");
}

void EvictedConnection(TextLine& line)
{
    line.Color(line.Colors().warn).Put("peer ").Arg(0).Put(" evicted").Color(line.Colors().reset).Put(" to make room: ");
    Connection(line);
    line.Put(" after ").Since(4);
}

void MisbehavingConnection(TextLine& line)
{
    line.Color(line.Colors().warn).Put("peer ").Arg(0).Put(" misbehaved: ").QuotedArg(1).Color(line.Colors().reset);
}

void ClosedConnection(TextLine& line)
{
    line.Put("peer ").Arg(0).Put(" closed: ");
    Connection(line);
    line.Put(" after ").Since(4);
}

void BlockConnected(TextLine& line)
{
    line.Put("height ").Arg(1).Put(" ").Arg(0).Put(" ").Number(2).Put(" tx ");
    line.Counted(3, "input", "inputs").Put(" ").Counted(4, "sigop", "sigops").Put(" in ").Arg(5);
}

void MempoolAdded(TextLine& line) { line.Arg(0).Put(" ").Arg(1).Put(" ").Arg(2).FeeRate(2, 1); }

void MempoolRemoved(TextLine& line) { line.Arg(0).Put(" (").Arg(1).Put(") ").Arg(2).Put(" ").Arg(3).FeeRate(3, 2).Put(" after ").Since(4); }

void MempoolReplaced(TextLine& line)
{
    line.Arg(0).Put(" ").Arg(1).Put(" ").Arg(2).FeeRate(2, 1).Put(" after ").Since(3).Put(" by ");
    line.Choice(7, "", "package ").Arg(4).Put(" ").Arg(5).Put(" ").Arg(6).FeeRate(6, 5);
}

void MempoolRejected(TextLine& line) { line.Arg(0).Put(" ").Color(line.Colors().warn).QuotedArg(1).Color(line.Colors().reset); }

void UtxoFlush(TextLine& line)
{
    line.Arg(1).Put(" ").Counted(2, "coin", "coins").Put(" ").Arg(3).Put(" in ").Arg(0).Choice(4, " for pruning", "");
}

void Coin(TextLine& line) { line.Arg(0).Put(":").Arg(1).Put(" ").Arg(3).Put(" height ").Arg(2).Choice(4, " coinbase", ""); }

void SelectedCoins(TextLine& line)
{
    line.Put("wallet ").QuotedArg(0).Put(" selected ").Arg(4).Put(" for ").Arg(2).Put(" by ").Arg(1).Put(", waste ").Arg(3);
}

/** `change at output 1`, `no change`: a position, -1 for none. */
void Change(TextLine& line, std::size_t arg)
{
    if (!line.Event().Faulted(arg) && line.Event().Int(arg) < 0) {
        line.Put("no change");
    } else {
        line.Put("change at output ").Arg(arg);
    }
}

void CreateTx(TextLine& line)
{
    line.Put("wallet ")
        .QuotedArg(0)
        .Put(" ")
        .Choice(1, "built a transaction", "failed to build a transaction")
        .Put(", fee ")
        .Arg(2)
        .Put(", ");
    Change(line, 3);
}

void AttemptingAps(TextLine& line) { line.Put("wallet ").QuotedArg(0).Put(" tries again, avoiding partial spends"); }

void ApsCreateTx(TextLine& line)
{
    line.Put("wallet ")
        .QuotedArg(0)
        .Put(" ")
        .Choice(2, "built a transaction", "failed to build a transaction")
        .Put(" avoiding partial spends");
    line.Put(", fee ").Arg(3).Put(", ");
    Change(line, 4);
    line.Choice(1, ", used", ", not used");
}

/** `<addr> (AS1) from <source> (AS2)`. */
void Gossip(TextLine& line, std::size_t addr, std::size_t asn, std::size_t source, std::size_t source_asn)
{
    line.Arg(addr).Put(" (").Arg(asn).Put(") from ").Arg(source).Put(" (").Arg(source_asn).Put(")");
}

void AddrmanAttempt(TextLine& line)
{
    Gossip(line, 3, 4, 5, 6);
    line.Choice(0, " new in bucket ", " not added to bucket ").Arg(1).Put(" position ").Arg(2);
}

void AddrmanGood(TextLine& line, std::size_t bucket, std::size_t position, std::size_t addr)
{
    Gossip(line, addr, 3, 4, 5);
    line.Put(" tried in bucket ").Arg(bucket).Put(" position ").Arg(position);
}

void Lost(TextLine& line)
{
    line.Color(line.Colors().bad).Put("LOST ");
    if (line.Event().Uint(2) != 0) {
        line.Arg(2).Put(" ").Arg(0).Put(" (").Arg(1).Put("), ").Arg(3).Put(" so far");
    } else { // damage of which nothing tells how much there was
        line.Put("an unknown number, ").Arg(0).Put(" (").Arg(1).Put(")");
    }
    line.Color(line.Colors().reset);
}

void NodeFound(TextLine& line)
{
    const Event& event{line.Event()};
    line.Color(line.Colors().dim).Put("node ").Arg(0).Put(" pid ").Pid().Put(": ").Arg(1);
    if (!event.Str(4).empty()) line.Put(", chain ").Arg(4);
    if (!event.Str(3).empty()) line.Put(", datadir ").Arg(3);
    if (event.Uint(5) != 0) line.Put(", started ").Arg(5);
    line.Color(line.Colors().reset);
}

void NodeGone(TextLine& line)
{
    line.Color(line.Colors().dim).Put("node ").Arg(0).Put(" pid ").Pid().Put(" ended").Color(line.Colors().reset);
}

void Generic(TextLine& line)
{
    for (std::size_t i{0}; i < line.Event().ArgCount(); ++i) line.Put(i == 0 ? "" : " ").KeyValue(i);
}

void Details(TextLine& line)
{
    switch (line.Event().Id()) {
    case id::INBOUND_CONNECTION: return InboundConnection(line);
    case id::OUTBOUND_CONNECTION: return OutboundConnection(line);
    case id::EVICTED_INBOUND_CONNECTION: return EvictedConnection(line);
    case id::MISBEHAVING_CONNECTION: return MisbehavingConnection(line);
    case id::CLOSED_CONNECTION: return ClosedConnection(line);
    case id::BLOCK_CONNECTED: return BlockConnected(line);
    case id::MEMPOOL_ADDED: return MempoolAdded(line);
    case id::MEMPOOL_REMOVED: return MempoolRemoved(line);
    case id::MEMPOOL_REPLACED: return MempoolReplaced(line);
    case id::MEMPOOL_REJECTED: return MempoolRejected(line);
    case id::UTXOCACHE_FLUSH: return UtxoFlush(line);
    case id::UTXOCACHE_ADD:
    case id::UTXOCACHE_SPENT:
    case id::UTXOCACHE_UNCACHE: return Coin(line);
    case id::SELECTED_COINS: return SelectedCoins(line);
    case id::NORMAL_CREATE_TX_INTERNAL: return CreateTx(line);
    case id::ATTEMPTING_APS_CREATE_TX: return AttemptingAps(line);
    case id::APS_CREATE_TX_INTERNAL: return ApsCreateTx(line);
    case id::ADDRMAN_ATTEMPT_ADD: return AddrmanAttempt(line);
    case id::ADDRMAN_MOVE_TO_GOOD: return AddrmanGood(line, 0, 1, 2);
    case id::ADDRMAN_MOVE_TO_GOOD_2023: return AddrmanGood(line, 1, 2, 0);
    case id::CORETAP_LOST: return Lost(line);
    case id::CORETAP_NODE_FOUND: return NodeFound(line);
    case id::CORETAP_NODE_GONE: return NodeGone(line);
    default: return Generic(line);
    }
}

void NodeColumn(std::string& out, const Event& event, const event::NodeLabel& node)
{
    const std::size_t start{out.size()};
    std::size_t columns{0};
    if (node.label.empty()) {
        out += "pid ";
        util::AppendNumber(out, std::uint64_t{event.Pid()});
        columns = out.size() - start;
    } else {
        columns = util::AppendPrintable(out, node.label);
    }
    out.append((columns < NODE_WIDTH ? NODE_WIDTH - columns : 0) + 1, ' ');
}

} // namespace

Style Style::Colored()
{
    return {.reset = "\x1b[0m", .dim = "\x1b[2m", .inbound = "\x1b[36m", .outbound = "\x1b[35m", .warn = "\x1b[33m", .bad = "\x1b[1;31m"};
}

void TextFormat::Append(std::string& out, const Event& event, const event::NodeLabel& node) const
{
    TextLine line{out, event, m_options, m_style};
    line.Color(m_style.dim);
    util::AppendUtcTimeOfDay(out, event.UtcNs(), 6);
    line.Color(m_style.reset).Put("  ");
    if (m_options.show_node) NodeColumn(out, event, node);
    if (event::IsMessage(event)) {
        Message(line);
    } else {
        const event::TracepointDef& def{event.Def()};
        line.Put(def.provider).Put(":").Put(def.name).Pad(def.provider.size() + 1 + def.name.size(), NAME_WIDTH).Put(" ");
        Details(line);
        if ((event.Flags() & CT_F_SHED) != 0) line.Put("  ").Color(m_style.warn).Put("shed").Color(m_style.reset);
    }
    out += '\n';
}

} // namespace coretap::sinks::log
