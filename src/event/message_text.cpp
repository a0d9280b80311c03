#include "event/message_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <variant>

#include "event/message_extent.h"
#include "event/message_fields.h"
#include "event/message_names.h"
#include "util/text.h"

namespace coretap::event {
namespace {

/** Writes the phrase of a message from words, numbers and short hashes. A piece says what was there; what was not is passed over. */
class Phrase {
    std::string& m_out;
    const wire::Decoded& m_decoded;
    bool m_ascii;
    std::size_t m_start;

public:
    Phrase(std::string& out, const wire::Decoded& decoded, bool ascii) : m_out{out}, m_decoded{decoded}, m_ascii{ascii}, m_start{out.size()}
    {}

    void Write()
    {
        std::visit([this](const auto& message) { this->Say(message); }, m_decoded.message);
    }

private:
    bool Whole() const { return m_decoded.status == wire::Status::Whole; }
    bool Has(std::uint64_t end) const { return Reached(m_decoded, end); }
    bool HasCount(std::uint64_t offset, std::uint64_t claimed) const { return CountReached(m_decoded, offset, claimed); }

    /** A blank, unless the phrase begins or what was said ends in an opening bracket. */
    Phrase& Gap()
    {
        if (m_out.size() != m_start && m_out.back() != '(') m_out += ' ';
        return *this;
    }
    Phrase& Word(std::string_view word)
    {
        Gap();
        m_out += word;
        return *this;
    }
    template <class Integer>
    Phrase& Number(Integer value)
    {
        Gap();
        if constexpr (std::is_signed_v<Integer>) {
            util::AppendGrouped(m_out, std::int64_t{value});
        } else {
            util::AppendGrouped(m_out, std::uint64_t{value});
        }
        return *this;
    }
    /** Without thousands separated: versions, ids. */
    template <class Integer>
    Phrase& Plain(Integer value)
    {
        Gap();
        if constexpr (std::is_signed_v<Integer>) {
            util::AppendNumber(m_out, std::int64_t{value});
        } else {
            util::AppendNumber(m_out, std::uint64_t{value});
        }
        return *this;
    }
    Phrase& Counted(std::uint64_t number, std::string_view one, std::string_view many)
    {
        return Number(number).Word(number == 1 ? one : many);
    }
    std::string_view Ellipsis() const { return m_ascii ? "..." : "…"; }
    /** `000000…a1af3c`: enough to know it by, at both ends; a block's begins with zeros. */
    Phrase& Hash(wire::ByteView hash)
    {
        constexpr std::size_t SHOWN{3};
        if (hash.size() != std::tuple_size_v<wire::Hash256>) return *this;
        Gap();
        util::AppendHexReversed(m_out, hash.last(SHOWN));
        m_out += Ellipsis();
        util::AppendHexReversed(m_out, hash.first(SHOWN));
        return *this;
    }
    Phrase& Nonce(std::uint64_t nonce)
    {
        Gap();
        util::AppendHexReversed(m_out, std::as_bytes(std::span{&nonce, 1}));
        return *this;
    }
    static std::string_view AsText(wire::ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
    /** What a peer wrote where a word is expected; in quotes if it could pass for several of ours, or for none. */
    Phrase& PeersWord(wire::ByteView text)
    {
        const std::string_view word{AsText(text)};
        if (word.empty() || std::any_of(word.begin(), word.end(), [](char c) { return c <= ' ' || c == '"' || c > '~'; }))
            return Quoted(text);
        Gap();
        util::AppendPrintable(m_out, word);
        return *this;
    }
    Phrase& Quoted(wire::ByteView text)
    {
        Gap();
        util::AppendPrintableQuoted(m_out, AsText(text));
        return *this;
    }
    Phrase& Bytes(std::uint64_t size) { return Number(size).Word("B"); }

    /**
     * How many of each kind there are: `3 wtx`, `10 (7 ipv4, 3 onion)`. `tally` holds what was counted, `claimed` how many there should
     * be; some that are not there make it `50 (3 wtx, …)`.
     */
    struct Tally {
        std::uint64_t number{0};
        std::string_view name;
    };
    void Kinds(std::uint64_t claimed, std::span<const Tally> tally, std::string_view what)
    {
        std::uint64_t counted{0};
        std::size_t kinds{0};
        for (const Tally& each : tally) {
            counted += each.number;
            kinds += each.number != 0 ? 1 : 0;
        }
        if (kinds == 0) {
            Number(claimed).Word(what);
            return;
        }
        const bool list{kinds > 1 || counted < claimed};
        if (list) Number(claimed).Word("(");
        bool first{true};
        for (const Tally& each : tally) {
            if (each.number == 0) continue;
            if (!first) m_out += ',';
            first = false;
            Number(each.number).Word(each.name);
        }
        if (counted < claimed) {
            m_out += ", ";
            m_out += Ellipsis();
        }
        if (list) m_out += ')';
    }

    // ---- messages ------------------------------------------------------------------------------------------------

    void Say(const wire::UnknownMsg& message)
    {
        constexpr std::size_t SHOWN{8};
        if (message.bytes.empty()) {
            if (Whole()) Word("no payload");
            return;
        }
        Word("bytes").Gap();
        util::AppendHex(m_out, message.bytes.first(std::min(SHOWN, message.bytes.size())));
        if (message.bytes.size() > SHOWN) m_out += Ellipsis();
    }

    /** What it means: there is nothing in it. */
    void Say(const wire::EmptyMsg& /*message*/)
    {
        switch (m_decoded.type) {
        case wire::MessageType::Verack: Word("accepts the version"); break;
        case wire::MessageType::SendAddrV2: Word("wants addrv2"); break;
        case wire::MessageType::GetAddr: Word("asks for addresses"); break;
        case wire::MessageType::Mempool: Word("asks for the mempool"); break;
        case wire::MessageType::FilterClear: Word("removes its filter"); break;
        case wire::MessageType::SendHeaders: Word("wants headers of new blocks"); break;
        case wire::MessageType::WtxidRelay: Word("relays by wtxid"); break;
        default: Word("no payload"); break;
        }
    }

    void Say(const wire::VersionMsg& message)
    {
        if (Has(4)) Plain(message.version);
        if (message.user_agent) PeersWord(*message.user_agent);
        if (Has(12)) {
            bool first{true};
            for (std::uint64_t left{message.services}; left != 0; left &= left - 1) {
                if (first) {
                    Gap();
                } else {
                    m_out += '|';
                }
                first = false;
                AppendServiceName(m_out, static_cast<unsigned>(std::countr_zero(left)));
            }
            if (first) Word("no services");
        }
        if (message.start_height) Word("height").Number(*message.start_height);
        if (message.relay && !*message.relay) Word("no tx relay");
    }

    template <class Entries>
    void Addresses(std::uint64_t claimed, const Entries& entries)
    {
        if (!HasCount(0, claimed)) return;
        std::array<Tally, 8> tally{};
        for (std::size_t i{0}; i < tally.size(); ++i) tally[i].name = wire::NetworkName(static_cast<wire::Network>(i));
        for (const wire::AddressEntry& entry : entries) ++tally[static_cast<std::size_t>(entry.address.network)].number;
        Kinds(claimed, tally, claimed == 1 ? "address" : "addresses");
        if (claimed != 1) return;
        for (const wire::AddressEntry& entry : entries) { // a peer's own, as a rule
            Gap();
            wire::AppendHostPort(m_out, entry.address);
        }
    }
    void Say(const wire::AddrMsg& message) { Addresses(message.claimed, message.entries); }
    void Say(const wire::AddrV2Msg& message) { Addresses(message.claimed, message.entries); }

    void Say(const wire::InvMsg& message)
    {
        if (!HasCount(0, message.claimed)) return;
        // Types have names in the order of first sight; all without one are one kind.
        std::array<Tally, 16> tally{};
        std::size_t kinds{0};
        for (const wire::InvEntry& entry : message.entries) {
            std::string_view name{wire::InvTypeName(entry.type)};
            if (name.empty()) name = "unknown";
            std::size_t kind{0};
            while (kind < kinds && tally[kind].name != name) ++kind;
            if (kind == kinds) {
                if (kinds == tally.size()) continue;
                tally[kinds++].name = name;
            }
            ++tally[kind].number;
        }
        Kinds(message.claimed, std::span{tally}.first(kinds), message.claimed == 1 ? "entry" : "entries");
        if (message.claimed != 1) return;
        for (const wire::InvEntry& entry : message.entries) Hash(entry.hash);
    }

    void Say(const wire::LocatorMsg& message)
    {
        if (!HasCount(4, message.claimed)) return;
        if (message.locator.empty()) {
            Counted(message.claimed, "hash", "hashes");
        } else {
            Word("from").Hash(*message.locator.begin());
            m_out += ',';
            Counted(message.claimed, "hash", "hashes");
        }
        const auto set = [](std::byte byte) { return byte != std::byte{0}; };
        if (std::any_of(message.stop.begin(), message.stop.end(), set)) Word("to").Hash(message.stop);
    }

    void Say(const wire::HeadersMsg& message)
    {
        if (!HasCount(0, message.claimed)) return;
        Counted(message.claimed, "header", "headers");
        if (message.entries.empty()) return;
        const auto first = message.entries.begin();
        Hash(wire::HashOf(first->header));
        if (message.entries.size() == 1) return;
        // All are of one size but for what should be an empty list of transactions: walk, hash the last only.
        wire::BlockHeader last;
        for (const wire::HeaderEntry& entry : message.entries) last = entry.header;
        Word("to").Hash(wire::HashOf(last));
    }

    Phrase& BlockHash(const wire::BlockHeader& header)
    {
        if (!header.raw.empty()) Hash(wire::HashOf(header));
        return *this;
    }

    void Say(const wire::BlockMsg& message)
    {
        BlockHash(message.header);
        if (HasCount(wire::BlockHeader::SIZE, message.claimed)) Number(message.claimed).Word("tx");
        if (Whole()) Bytes(message.raw.size());
    }

    void Say(const wire::TxMsg& message)
    {
        const wire::Tx& tx{message.tx};
        if (tx.whole) Hash(wire::Txid(tx));
        if (tx.input_count != 0 || tx.whole) Number(tx.input_count).Word("in");
        if (tx.output_count != 0 || tx.whole) Number(tx.output_count).Word("out");
        if (!tx.whole) return;
        std::int64_t sum{0};
        bool in_range{true};
        for (const wire::TxOut& output : tx.outputs) in_range = in_range && !__builtin_add_overflow(sum, output.value, &sum);
        if (in_range) {
            Number(sum).Word("sat");
        } else {
            Word("values out of range");
        }
        Number(std::uint64_t{tx.VSize()}).Word("vB");
    }

    void Say(const wire::MerkleBlockMsg& message)
    {
        BlockHash(message.header);
        if (Has(wire::BlockHeader::SIZE + 4)) Number(std::uint64_t{message.tx_count}).Word("tx");
        if (!HasCount(wire::BlockHeader::SIZE + 4, message.claimed)) return;
        m_out += ',';
        Counted(message.claimed, "hash", "hashes");
    }

    void Say(const wire::SendCmpctMsg& message)
    {
        if (Has(9)) Word("version").Plain(message.version);
        if (Has(1)) Word(message.high_bandwidth ? "high bandwidth" : "low bandwidth");
    }

    void Say(const wire::CmpctBlockMsg& message)
    {
        BlockHash(message.header);
        if (!HasCount(wire::BlockHeader::SIZE + 8, message.short_ids_claimed)) return;
        Counted(message.short_ids_claimed, "short id", "short ids");
        if (message.prefilled_claimed == 0 && !Whole()) return;
        m_out += ',';
        Number(message.prefilled_claimed).Word("prefilled");
    }

    void Say(const wire::GetBlockTxnMsg& message)
    {
        Hash(message.block_hash);
        if (HasCount(32, message.claimed)) Number(message.claimed).Word("tx");
    }
    void Say(const wire::BlockTxnMsg& message)
    {
        Hash(message.block_hash);
        if (HasCount(32, message.claimed)) Number(message.claimed).Word("tx");
    }

    void Say(const wire::PingMsg& message)
    {
        if (message.nonce) {
            Word("nonce").Nonce(*message.nonce);
        } else if (Whole()) {
            Word("no nonce");
        }
    }

    void Say(const wire::FeeFilterMsg& message)
    {
        if (Has(8)) Number(message.feerate).Word("sat/kvB");
    }

    void Say(const wire::SendTxRcnclMsg& message)
    {
        if (Has(4)) Word("version").Plain(message.version);
        if (Has(12)) Word("salt").Nonce(message.salt);
    }

    void Say(const wire::FeatureMsg& message)
    {
        if (!message.id.empty()) PeersWord(message.id);
        if (Whole() || !message.data.empty()) Bytes(message.data.size());
    }

    void Say(const wire::FilterLoadMsg& message)
    {
        if (!Whole()) return;
        Bytes(message.filter.size()).Word("filter");
        m_out += ',';
        Counted(message.hash_functions, "hash function", "hash functions");
    }
    void Say(const wire::FilterAddMsg& message)
    {
        if (Whole()) Bytes(message.data.size());
    }

    Phrase& FilterType(std::uint8_t type)
    {
        if (!Has(1)) return *this;
        const std::string_view name{FilterTypeName(type)};
        return name.empty() ? Word("type").Plain(std::uint64_t{type}) : Word(name);
    }
    Phrase& To(wire::ByteView hash) { return hash.empty() ? *this : Word("to").Hash(hash); }

    void Say(const wire::GetCFiltersMsg& message)
    {
        FilterType(message.filter_type);
        if (Has(5)) Word("from height").Number(std::uint64_t{message.start_height});
        To(message.stop_hash);
    }
    void Say(const wire::CFilterMsg& message)
    {
        FilterType(message.filter_type).Hash(message.block_hash);
        if (Whole()) Bytes(message.filter.size());
    }
    void Say(const wire::CFHeadersMsg& message)
    {
        FilterType(message.filter_type);
        if (HasCount(65, message.claimed)) Counted(message.claimed, "hash", "hashes");
        To(message.stop_hash);
    }
    void Say(const wire::GetCFCheckptMsg& message)
    {
        FilterType(message.filter_type);
        To(message.stop_hash);
    }
    void Say(const wire::CFCheckptMsg& message)
    {
        FilterType(message.filter_type);
        if (HasCount(33, message.claimed)) Counted(message.claimed, "header", "headers");
        To(message.stop_hash);
    }

    void Say(const wire::RejectMsg& message)
    {
        if (!StringReached(m_decoded, message.message)) return;
        PeersWord(message.message);
        if (!Has(CompactSizeBytes(message.message.size()) + message.message.size() + 1)) return;
        const std::string_view name{RejectCodeName(message.code)};
        if (name.empty()) {
            Word("code").Plain(std::uint64_t{message.code});
        } else {
            Word(name);
        }
        if (Whole() || !message.reason.empty()) Quoted(message.reason);
        Hash(message.hash);
    }

    void Say(const wire::AlertMsg& message)
    {
        if (message.parsed) {
            Word("id").Plain(message.id).Quoted(message.status_bar);
        } else if (Whole()) {
            Bytes(message.payload.size());
        }
    }
};

} // namespace

void AppendPhrase(std::string& out, const wire::Decoded& decoded, bool ascii) { Phrase{out, decoded, ascii}.Write(); }

bool AppendFindings(std::string& out, const wire::Decoded& decoded)
{
    const std::size_t start{out.size()};
    const auto begin = [&](std::string_view words) {
        if (out.size() != start) out += ", ";
        out += words;
    };
    switch (decoded.status) {
    case wire::Status::Whole: break;
    case wire::Status::Cut:
        begin("cut by us at byte ");
        util::AppendGrouped(out, decoded.problem_at);
        break;
    case wire::Status::Malformed:
        begin("malformed at byte ");
        util::AppendGrouped(out, decoded.problem_at);
        out += ": ";
        out += wire::ToString(decoded.problem);
        break;
    }
    if (decoded.limit_exceeded != 0) {
        begin("more than the ");
        util::AppendGrouped(out, std::uint64_t{decoded.limit_exceeded});
        out += " allowed";
    }
    if (decoded.trailing != 0) {
        begin({});
        util::AppendGrouped(out, decoded.trailing);
        out += decoded.trailing == 1 ? " trailing byte" : " trailing bytes";
    }
    return out.size() != start;
}

void AppendSummary(std::string& out, const wire::Decoded& decoded, bool ascii)
{
    const std::size_t start{out.size()};
    AppendPhrase(out, decoded, ascii);
    const std::size_t end{out.size()};
    if (end != start) out += "; ";
    if (!AppendFindings(out, decoded)) out.resize(end);
}

void AppendContent(std::string& out, const wire::Decoded& decoded)
{
    FieldWriter<Markup::Text> writer{out, /*first=*/true};
    MessageFields<Markup::Text>{writer, decoded}.Write();
}

} // namespace coretap::event
