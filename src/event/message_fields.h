// The members of every decoded message, by name and in order: one walk for JSON and text. Used by message_json.cpp and
// message_text.cpp only. docs/messages.md describes the names.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include "event/field_writer.h"
#include "event/message_extent.h"
#include "event/message_names.h"
#include "wire/message.h"

namespace coretap::event {

/** Writes what of a message is there. */
template <Markup MARKUP>
class MessageFields {
    using Writer = FieldWriter<MARKUP>;
    Writer& m_to;
    const wire::Decoded& m_decoded;

public:
    MessageFields(Writer& to, const wire::Decoded& decoded) : m_to{to}, m_decoded{decoded} {}

    void Write()
    {
        std::visit([this](const auto& message) { this->Members(message); }, m_decoded.message);
    }

private:
    bool Has(std::uint64_t end) const { return Reached(m_decoded, end); }
    bool HasCount(std::uint64_t offset, std::uint64_t claimed) const { return CountReached(m_decoded, offset, claimed); }
    bool HasString(wire::ByteView bytes) const { return StringReached(m_decoded, bytes); }

    // ---- elements ------------------------------------------------------------------------------------------------

    void Hash(std::string_view name, wire::ByteView hash)
    {
        if (!hash.empty()) m_to.HexReversed(name, hash);
    }

    /** `count`, and what `each` writes of every element. */
    template <class Elements, class Each>
    void List(std::string_view count_name, std::uint64_t claimed, std::string_view name, const Elements& elements, Each each)
    {
        if (!count_name.empty()) m_to.Number(count_name, claimed);
        m_to.BeginList(name);
        for (const auto& element : elements) each(element);
        m_to.EndList();
    }

    void HashList(std::string_view name, std::uint64_t claimed, const wire::Hashes& hashes)
    {
        List("count", claimed, name, hashes, [this](wire::HashView hash) { m_to.HexReversed({}, hash); });
    }

    void Services(std::uint64_t services)
    {
        m_to.HexNumber("services", services);
        m_to.BeginList("services_names");
        for (; services != 0; services &= services - 1) {
            m_to.WordBy({}, [services](std::string& out) { AppendServiceName(out, static_cast<unsigned>(std::countr_zero(services))); });
        }
        m_to.EndList();
    }

    void Address(std::uint64_t services, const wire::NetAddress& address)
    {
        Services(services);
        const bool known{address.network != wire::Network::Unknown};
        m_to.NameOr("network", known ? wire::NetworkName(address.network) : std::string_view{}, address.network_id);
        m_to.WordBy("address", [&address](std::string& out) { wire::AppendHost(out, address); });
        m_to.Number("port", address.port);
    }
    void Address(std::string_view name, std::uint64_t services, const wire::NetAddress& address)
    {
        m_to.BeginObject(name);
        Address(services, address);
        m_to.EndObject();
    }

    template <class Entries>
    void Addresses(std::uint64_t claimed, const Entries& entries)
    {
        if (!HasCount(0, claimed)) return;
        List("count", claimed, "addresses", entries, [this](const wire::AddressEntry& entry) {
            m_to.BeginObject();
            m_to.Number("time", entry.time);
            Address(entry.services, entry.address);
            m_to.EndObject();
        });
    }

    void Header(const wire::BlockHeader& header)
    {
        if (header.raw.empty()) return;
        m_to.HexReversed("hash", wire::HashOf(header));
        m_to.Number("version", header.version);
        Hash("previous_block_hash", header.previous);
        Hash("merkle_root", header.merkle_root);
        m_to.Number("time", header.time);
        m_to.HexNumber("bits", header.bits);
        m_to.Number("nonce", header.nonce);
    }

    void Input(const wire::TxIn& input)
    {
        m_to.HexReversed("txid", input.prevout_txid);
        m_to.Number("vout", input.prevout_index);
        m_to.Hex("script_sig", input.script_sig);
        m_to.Number("sequence", input.sequence);
    }

    void Inputs(const wire::Tx& tx)
    {
        m_to.BeginList("inputs");
        auto stack = tx.witness.begin();
        std::uint64_t stacks{tx.has_witness ? tx.witness.size() : 0};
        for (const wire::TxIn& input : tx.inputs) {
            m_to.BeginObject();
            Input(input);
            if (stacks != 0) {
                List({}, 0, "witness", *stack, [this](wire::ByteView item) { m_to.Hex({}, item); });
                if (--stacks != 0) ++stack;
            }
            m_to.EndObject();
        }
        m_to.EndList();
    }

    void Outputs(const wire::Tx& tx)
    {
        m_to.BeginList("outputs");
        std::uint64_t n{0};
        for (const wire::TxOut& output : tx.outputs) {
            m_to.BeginObject();
            m_to.Number("n", n++);
            m_to.Number("value", output.value);
            m_to.Hex("script_pubkey", output.script_pubkey);
            m_to.EndObject();
        }
        m_to.EndList();
    }

    void Transaction(const wire::Tx& tx)
    {
        // Unsigned since 28.0 (CTransaction::version), and the RPC shows it so.
        const auto version = static_cast<std::uint32_t>(tx.version);
        if (tx.whole) {
            const wire::Hash256 txid{wire::Txid(tx)};
            m_to.HexReversed("txid", txid);
            m_to.HexReversed("wtxid", tx.has_witness ? wire::Wtxid(tx) : txid);
            m_to.Number("version", version);
            m_to.Number("size", tx.raw.size());
            m_to.Number("vsize", tx.VSize());
            m_to.Number("weight", tx.Weight());
            m_to.Number("lock_time", tx.lock_time);
            Inputs(tx);
            Outputs(tx);
            return;
        }
        if (tx.raw.size() < sizeof(version)) return;
        m_to.Number("version", version);
        // A count of 0 is one that was not reached, or the marker of BIP 144.
        if (tx.input_count == 0) return;
        m_to.Number("input_count", tx.input_count);
        Inputs(tx);
        if (tx.output_count == 0) return;
        m_to.Number("output_count", tx.output_count);
        Outputs(tx);
    }
    void Transaction(std::string_view name, const wire::Tx& tx)
    {
        m_to.BeginObject(name);
        Transaction(tx);
        m_to.EndObject();
    }

    template <class Message>
    void Transactions(const Message& message)
    {
        List("count", message.claimed, "txs", message.txs, [this](const wire::Tx& tx) { Transaction({}, tx); });
        if (message.partial) Transaction("partial_tx", *message.partial);
    }

    // ---- messages ------------------------------------------------------------------------------------------------

    void Members(const wire::UnknownMsg& message) { m_to.Hex("bytes", message.bytes); }
    void Members(const wire::EmptyMsg& /*message*/) {}
    void Members(const wire::VersionMsg& message)
    {
        if (Has(4)) m_to.Number("version", message.version);
        if (Has(12)) Services(message.services);
        if (Has(20)) m_to.Number("time", message.time);
        if (Has(46)) Address("addr_recv", message.receiver_services, message.receiver);
        if (message.sender) Address("addr_from", message.sender_services, *message.sender);
        if (message.nonce) m_to.HexNumber("nonce", *message.nonce);
        if (message.user_agent) m_to.Text("user_agent", *message.user_agent);
        if (message.start_height) m_to.Number("start_height", *message.start_height);
        if (message.relay) m_to.Bool("relay", *message.relay);
    }
    void Members(const wire::AddrMsg& message) { Addresses(message.claimed, message.entries); }
    void Members(const wire::AddrV2Msg& message) { Addresses(message.claimed, message.entries); }
    void Members(const wire::InvMsg& message)
    {
        if (!HasCount(0, message.claimed)) return;
        List("count", message.claimed, "entries", message.entries, [this](const wire::InvEntry& entry) {
            m_to.BeginObject();
            m_to.NameOr("type", wire::InvTypeName(entry.type), entry.type);
            m_to.HexReversed("hash", entry.hash);
            m_to.EndObject();
        });
    }
    void Members(const wire::LocatorMsg& message)
    {
        if (Has(4)) m_to.Number("version", message.version);
        if (HasCount(4, message.claimed)) HashList("locator", message.claimed, message.locator);
        Hash("stop_hash", message.stop);
    }
    void Members(const wire::HeadersMsg& message)
    {
        if (!HasCount(0, message.claimed)) return;
        List("count", message.claimed, "headers", message.entries, [this](const wire::HeaderEntry& entry) {
            m_to.BeginObject();
            Header(entry.header);
            if (entry.tx_count != 0) m_to.Number("tx_count", entry.tx_count);
            m_to.EndObject();
        });
    }
    void Members(const wire::BlockMsg& message)
    {
        Header(message.header);
        if (HasCount(wire::BlockHeader::SIZE, message.claimed)) Transactions(message);
    }
    void Members(const wire::TxMsg& message) { Transaction(message.tx); }
    void Members(const wire::MerkleBlockMsg& message)
    {
        Header(message.header);
        if (Has(wire::BlockHeader::SIZE + 4)) m_to.Number("total_transactions", message.tx_count);
        if (HasCount(wire::BlockHeader::SIZE + 4, message.claimed)) HashList("hashes", message.claimed, message.hashes);
        if (HasString(message.flags)) m_to.Hex("flags", message.flags);
    }
    void Members(const wire::SendCmpctMsg& message)
    {
        if (Has(1)) m_to.Bool("announce", message.high_bandwidth);
        if (Has(9)) m_to.Number("version", message.version);
    }
    void Members(const wire::CmpctBlockMsg& message)
    {
        if (message.header.raw.empty()) return;
        m_to.BeginObject("header");
        Header(message.header);
        m_to.EndObject();
        constexpr std::uint64_t NONCE_END{wire::BlockHeader::SIZE + 8};
        if (Has(NONCE_END)) m_to.HexNumber("nonce", message.nonce);
        if (!HasCount(NONCE_END, message.short_ids_claimed)) return;
        m_to.Number("short_id_count", message.short_ids_claimed);
        constexpr std::size_t SHORT_ID_BYTES{6};
        m_to.HexReversedList("short_ids", message.short_ids.Bytes(), SHORT_ID_BYTES); // as BIP 152 prints the numbers that they are
        const std::uint64_t prefilled_at{NONCE_END + CompactSizeBytes(message.short_ids_claimed) +
                                         message.short_ids_claimed * SHORT_ID_BYTES};
        if (!HasCount(prefilled_at, message.prefilled_claimed)) return;
        std::uint64_t next{0};
        List("prefilled_count", message.prefilled_claimed, "prefilled", message.prefilled,
             [this, &next](const wire::PrefilledTx& prefilled) {
                 m_to.BeginObject();
                 m_to.Number("index", next + prefilled.difference);
                 next += prefilled.difference + 1;
                 Transaction("tx", prefilled.tx);
                 m_to.EndObject();
             });
    }
    void Members(const wire::GetBlockTxnMsg& message)
    {
        Hash("block_hash", message.block_hash);
        if (!HasCount(32, message.claimed)) return;
        std::uint64_t next{0};
        List("count", message.claimed, "indexes", message.differences, [this, &next](std::uint64_t difference) {
            m_to.Number({}, next + difference);
            next += difference + 1;
        });
    }
    void Members(const wire::BlockTxnMsg& message)
    {
        Hash("block_hash", message.block_hash);
        if (HasCount(32, message.claimed)) Transactions(message);
    }
    void Members(const wire::PingMsg& message)
    {
        if (message.nonce) m_to.HexNumber("nonce", *message.nonce);
    }
    void Members(const wire::FeeFilterMsg& message)
    {
        if (Has(8)) m_to.Number("feerate", message.feerate);
    }
    void Members(const wire::SendTxRcnclMsg& message)
    {
        if (Has(4)) m_to.Number("version", message.version);
        if (Has(12)) m_to.HexNumber("salt", message.salt);
    }
    void Members(const wire::FeatureMsg& message)
    {
        if (HasString(message.id)) m_to.Text("feature_id", message.id);
        if (HasString(message.data)) m_to.Hex("feature_data", message.data);
    }
    void Members(const wire::FilterLoadMsg& message)
    {
        if (!HasString(message.filter)) return;
        m_to.Hex("filter", message.filter);
        const std::uint64_t end{CompactSizeBytes(message.filter.size()) + message.filter.size()};
        if (Has(end + 4)) m_to.Number("hash_functions", message.hash_functions);
        if (Has(end + 8)) m_to.Number("tweak", message.tweak);
        if (Has(end + 9)) m_to.Number("flags", message.flags);
    }
    void Members(const wire::FilterAddMsg& message)
    {
        if (HasString(message.data)) m_to.Hex("data", message.data);
    }
    void Members(const wire::GetCFiltersMsg& message)
    {
        FilterType(message.filter_type);
        if (Has(5)) m_to.Number("start_height", message.start_height);
        Hash("stop_hash", message.stop_hash);
    }
    void Members(const wire::CFilterMsg& message)
    {
        FilterType(message.filter_type);
        Hash("block_hash", message.block_hash);
        if (HasString(message.filter)) m_to.Hex("filter", message.filter);
    }
    void Members(const wire::CFHeadersMsg& message)
    {
        FilterType(message.filter_type);
        Hash("stop_hash", message.stop_hash);
        Hash("previous_filter_header", message.previous_header);
        if (HasCount(65, message.claimed)) HashList("filter_hashes", message.claimed, message.hashes);
    }
    void Members(const wire::GetCFCheckptMsg& message)
    {
        FilterType(message.filter_type);
        Hash("stop_hash", message.stop_hash);
    }
    void Members(const wire::CFCheckptMsg& message)
    {
        FilterType(message.filter_type);
        Hash("stop_hash", message.stop_hash);
        if (HasCount(33, message.claimed)) HashList("filter_headers", message.claimed, message.headers);
    }
    void Members(const wire::RejectMsg& message)
    {
        if (!HasString(message.message)) return;
        m_to.Text("message", message.message);
        const std::uint64_t end{CompactSizeBytes(message.message.size()) + message.message.size()};
        if (Has(end + 1)) {
            m_to.Number("code", message.code);
            if (const std::string_view name{RejectCodeName(message.code)}; !name.empty()) m_to.Word("code_name", name);
        }
        if (HasString(message.reason)) m_to.Text("reason", message.reason);
        Hash("hash", message.hash);
    }
    void Members(const wire::AlertMsg& message)
    {
        if (HasString(message.payload)) m_to.Hex("payload", message.payload);
        if (HasString(message.signature)) m_to.Hex("signature", message.signature);
        if (!message.parsed) return;
        m_to.Number("version", message.version);
        m_to.Number("relay_until", message.relay_until);
        m_to.Number("expiration", message.expiration);
        m_to.Number("id", message.id);
        m_to.Number("cancel", message.cancel);
        List({}, 0, "cancels", message.cancels, [this](std::int32_t id) { m_to.Number({}, id); });
        m_to.Number("min_version", message.min_version);
        m_to.Number("max_version", message.max_version);
        List({}, 0, "subversions", message.subversions, [this](wire::ByteView text) { m_to.Text({}, text); });
        m_to.Number("priority", message.priority);
        m_to.Text("comment", message.comment);
        m_to.Text("status_bar", message.status_bar);
        m_to.Text("reserved", message.reserved);
    }

    void FilterType(std::uint8_t type)
    {
        if (Has(1)) m_to.NameOr("filter_type", FilterTypeName(type), type);
    }
};

} // namespace coretap::event
