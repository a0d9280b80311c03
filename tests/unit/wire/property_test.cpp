// What holds for every message: writing back gives the payload; each prefix fails cleanly, or is told to be cut; bytes of chance do
// no harm. Payloads are made from a seed, of every type, with all that may be absent absent at times.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "sim/hash.h"
#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

// ---- payloads ---------------------------------------------------------------------------------------------------------

class Maker {
    sim::Rng m_rng;

public:
    explicit Maker(std::uint64_t seed) : m_rng{seed} {}

    /** Mostly few, at times enough for a CompactSize of three bytes. */
    std::uint64_t Few(std::uint64_t many = 300) { return m_rng.Chance(0.05) ? m_rng.Below(many + 1) : m_rng.Below(5); }
    sim::Bytes Blob(std::uint64_t size) { return m_rng.Blob(size); }
    sim::Bytes Some(std::uint64_t many = 300) { return m_rng.Blob(Few(many)); }
    sim::Bytes Hash() { return m_rng.Blob(32); }
    template <class I>
    I Any()
    {
        return static_cast<I>(m_rng.Next());
    }

    void Counted(Writer& out, std::uint64_t count, std::size_t element_size) { out.Size(count).Raw(m_rng.Blob(count * element_size)); }

    void AddTx(Writer& out)
    {
        const std::uint64_t inputs{m_rng.Chance(0.05) ? 0 : 1 + Few(260)}, outputs{Few(260)};
        const bool witness{inputs > 0 && m_rng.Chance(0.6)};
        out.Raw(m_rng.Blob(4));
        if (witness) out.Raw(FromHex("0001"));
        if (inputs == 0) { // the only one without inputs that is read
            out.Raw(FromHex("0000")).Raw(m_rng.Blob(4));
            return;
        }
        out.Size(inputs);
        for (std::uint64_t i{0}; i < inputs; ++i) AddVar(out.Raw(m_rng.Blob(36))).Raw(m_rng.Blob(4));
        out.Size(outputs);
        for (std::uint64_t i{0}; i < outputs; ++i) AddVar(out.Raw(m_rng.Blob(8)));
        for (std::uint64_t i{0}; witness && i < inputs; ++i) {
            const std::uint64_t items{i == 0 ? 1 + Few() : Few()};
            out.Size(items);
            for (std::uint64_t item{0}; item < items; ++item) AddVar(out);
        }
        out.Raw(m_rng.Blob(4));
    }
    void AddTxs(Writer& out)
    {
        const std::uint64_t count{Few(20)};
        out.Size(count);
        for (std::uint64_t i{0}; i < count; ++i) AddTx(out);
    }
    void AddAddrV2(Writer& out)
    {
        static constexpr std::size_t SIZES[]{0, 4, 16, 10, 32, 32, 16};
        const auto network = static_cast<std::uint8_t>(1 + m_rng.Below(8));
        sim::Bytes raw{m_rng.Blob(network < std::size(SIZES) ? SIZES[network] : Few(512))};
        if (network == 2 && m_rng.Chance(0.1)) raw = {0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        out.Raw(m_rng.Blob(4))
            .Size(m_rng.Chance(0.5) ? m_rng.Next() : m_rng.Below(2'000))
            .Int(network)
            .Size(raw.size())
            .Raw(raw)
            .Raw(m_rng.Blob(2));
    }
    void AddLegacyAddress(Writer& out)
    {
        static constexpr std::array<std::string_view, 4> PREFIXES{"", "00000000000000000000ffff", "fd87d87eeb43", "fd6b88c08724"};
        const Buffer prefix{FromHex(PREFIXES[m_rng.Below(PREFIXES.size())])};
        out.Raw(prefix).Raw(m_rng.Blob(16 - prefix.size())).Raw(m_rng.Blob(2));
    }

    Buffer Make(MessageType type)
    {
        Writer out;
        Add(out, type);
        return out.Out();
    }

private:
    Writer& AddVar(Writer& out) { return AddVarOf(out, Few()); }
    Writer& AddVarOf(Writer& out, std::uint64_t size) { return out.Size(size).Raw(m_rng.Blob(size)); }

    void Add(Writer& out, MessageType type)
    {
        switch (type) {
        case MessageType::Version: AddVersion(out); break;
        case MessageType::Verack:
        case MessageType::SendAddrV2:
        case MessageType::GetAddr:
        case MessageType::Mempool:
        case MessageType::FilterClear:
        case MessageType::SendHeaders:
        case MessageType::WtxidRelay: break;
        case MessageType::Addr: {
            const std::uint64_t count{Few(1'000)};
            out.Size(count);
            for (std::uint64_t i{0}; i < count; ++i) AddLegacyAddress(out.Raw(m_rng.Blob(12)));
            break;
        }
        case MessageType::AddrV2: {
            const std::uint64_t count{Few(1'000)};
            out.Size(count);
            for (std::uint64_t i{0}; i < count; ++i) AddAddrV2(out);
            break;
        }
        case MessageType::Inv:
        case MessageType::GetData:
        case MessageType::NotFound: Counted(out, Few(), 36); break;
        case MessageType::GetBlocks:
        case MessageType::GetHeaders:
            Counted(out.Raw(m_rng.Blob(4)), Few(), 32);
            out.Raw(Hash());
            break;
        case MessageType::Headers: {
            const std::uint64_t count{Few()};
            out.Size(count);
            for (std::uint64_t i{0}; i < count; ++i) out.Raw(m_rng.Blob(80)).Size(Few(70'000));
            break;
        }
        case MessageType::Tx: AddTx(out); break;
        case MessageType::Block: AddTxs(out.Raw(m_rng.Blob(80))); break;
        case MessageType::BlockTxn: AddTxs(out.Raw(Hash())); break;
        case MessageType::MerkleBlock:
            Counted(out.Raw(m_rng.Blob(84)), Few(), 32);
            AddVar(out);
            break;
        case MessageType::CmpctBlock: {
            Counted(out.Raw(m_rng.Blob(88)), Few(), 6);
            const std::uint64_t count{Few(20)};
            out.Size(count);
            for (std::uint64_t i{0}; i < count; ++i) AddTx(out.Size(Few(0xffff)));
            break;
        }
        case MessageType::GetBlockTxn: {
            const std::uint64_t count{Few()};
            out.Raw(Hash()).Size(count);
            for (std::uint64_t i{0}; i < count; ++i) out.Size(Few(65'000 / (count + 1)));
            break;
        }
        case MessageType::Ping:
        case MessageType::Pong: out.Raw(m_rng.Blob(m_rng.Chance(0.1) ? 0 : 8)); break;
        case MessageType::FeeFilter: out.Raw(m_rng.Blob(8)); break;
        case MessageType::SendCmpct: out.Int(static_cast<std::uint8_t>(m_rng.Below(2))).Raw(m_rng.Blob(8)); break;
        case MessageType::SendTxRcncl: out.Raw(m_rng.Blob(12)); break;
        case MessageType::Feature:
            AddVarOf(out, 4 + m_rng.Below(77));
            AddVarOf(out, Few(512));
            break;
        case MessageType::FilterLoad: AddVar(out).Raw(m_rng.Blob(9)); break;
        case MessageType::FilterAdd: AddVar(out); break;
        case MessageType::GetCFilters:
        case MessageType::GetCFHeaders: out.Raw(m_rng.Blob(37)); break;
        case MessageType::GetCFCheckpt: out.Raw(m_rng.Blob(33)); break;
        case MessageType::CFilter: AddVar(out.Raw(m_rng.Blob(33))); break;
        case MessageType::CFHeaders: Counted(out.Raw(m_rng.Blob(65)), Few(), 32); break;
        case MessageType::CFCheckpt: Counted(out.Raw(m_rng.Blob(33)), Few(), 32); break;
        case MessageType::Reject: {
            static constexpr std::array<std::string_view, 3> NAMES{"tx", "block", "version"};
            const std::string_view name{NAMES[m_rng.Below(NAMES.size())]};
            out.Var(name).Raw(m_rng.Blob(1));
            AddVarOf(out, m_rng.Below(112));
            if (name != "version" && m_rng.Chance(0.7)) out.Raw(Hash());
            break;
        }
        case MessageType::Alert: AddAlert(out); break;
        case MessageType::Other:
        case MessageType::CheckOrder:
        case MessageType::SubmitOrder:
        case MessageType::Reply:
        case MessageType::SendPackages: out.Raw(Some()); break;
        }
    }

    /** The later fields came one after the other. */
    void AddVersion(Writer& out)
    {
        const std::uint64_t fields{m_rng.Chance(0.7) ? 4 : m_rng.Below(4)};
        AddLegacyAddress(out.Raw(m_rng.Blob(28)));
        if (fields > 0) {
            AddLegacyAddress(out.Raw(m_rng.Blob(8)));
            out.Raw(m_rng.Blob(8));
        }
        if (fields > 1) AddVarOf(out, m_rng.Below(257));
        if (fields > 2) out.Raw(m_rng.Blob(4));
        if (fields > 3) out.Raw(m_rng.Blob(1));
    }

    void AddAlert(Writer& out)
    {
        Writer fields;
        Counted(fields.Raw(m_rng.Blob(28)), Few(), 4);
        const std::uint64_t subversions{Few()};
        fields.Raw(m_rng.Blob(8)).Size(subversions);
        for (std::uint64_t i{0}; i < subversions; ++i) AddVar(fields);
        AddVar(AddVarOf(AddVarOf(fields.Raw(m_rng.Blob(4)), Few()), m_rng.Below(257)));
        out.Var(m_rng.Chance(0.8) ? ByteView{fields.Out()} : ByteView{fields.Out()}.first(fields.Out().size() / 2));
        AddVar(out);
    }
};

MessageType TypeOf(std::uint64_t number) { return static_cast<MessageType>(number % MESSAGE_TYPE_COUNT); }

std::string Of(MessageType type, std::uint64_t seed)
{
    return std::string{MessageTypeNames()[static_cast<std::size_t>(type)]} + ", seed " + std::to_string(seed);
}

// ---- prefixes ---------------------------------------------------------------------------------------------------------

/**
 * Whether the first `size` bytes of a message are one themselves. That is so only where fields may be absent: version behind
 * the receiver's address, the nonce, the user agent and the height; ping without nonce; reject without hash. And for pong, of
 * which Bitcoin Core reads a nonce or nothing; and where any bytes will do.
 */
bool IsMessageToo(MessageType type, const Decoded& whole, std::size_t size)
{
    switch (type) {
    case MessageType::Version: {
        const auto& msg = std::get<VersionMsg>(whole.message);
        const std::size_t text{msg.user_agent ? (msg.user_agent->size() < 0xfd ? 1 : 3) + msg.user_agent->size() : 0};
        return size == 46 || size == 80 || (msg.user_agent && size == 80 + text) || (msg.start_height && size == 80 + text + 4);
    }
    case MessageType::Ping: return size == 0;
    case MessageType::Reject: {
        const auto& msg = std::get<RejectMsg>(whole.message);
        return !msg.hash.empty() && size == 1 + msg.message.size() + 1 + 1 + msg.reason.size();
    }
    case MessageType::Pong:
    case MessageType::Other:
    case MessageType::CheckOrder:
    case MessageType::SubmitOrder:
    case MessageType::Reply:
    case MessageType::SendPackages: return true;
    default: return false;
    }
}

/** The list of a message that has one: where its elements end, and how many there are. */
struct List {
    std::vector<const std::byte*> ends;
    std::uint64_t claimed{0};
};

template <class Element, Element (*Parse)(const std::byte*&)>
List ListOf(const Elements<Element, Parse>& elements, std::uint64_t claimed)
{
    List list;
    list.claimed = claimed;
    const std::byte* at{elements.Bytes().data()};
    for (std::uint64_t i{0}; i < elements.size(); ++i) {
        Parse(at);
        list.ends.push_back(at);
    }
    return list;
}

template <class Msg>
List ListOf(const Msg& msg)
{
    if constexpr (requires { msg.entries; }) {
        return ListOf(msg.entries, msg.claimed);
    } else if constexpr (requires { msg.txs; }) {
        return ListOf(msg.txs, msg.claimed);
    } else if constexpr (requires { msg.locator; }) {
        return ListOf(msg.locator, msg.claimed);
    } else if constexpr (requires { msg.hashes; }) {
        return ListOf(msg.hashes, msg.claimed);
    } else if constexpr (requires { msg.headers; }) {
        return ListOf(msg.headers, msg.claimed);
    } else if constexpr (requires { msg.differences; }) {
        return ListOf(msg.differences, msg.claimed);
    } else if constexpr (requires { msg.prefilled; }) {
        return ListOf(msg.prefilled, msg.prefilled_claimed);
    } else if constexpr (requires { msg.tx; }) {
        return ListOf(msg.tx.inputs, msg.tx.input_count);
    } else {
        return {};
    }
}
List ListOf(const Decoded& decoded)
{
    return std::visit([](const auto& msg) { return ListOf(msg); }, decoded.message);
}

void CheckPrefix(MessageType type, const Buffer& payload, const Decoded& whole, const List& list, std::size_t size)
{
    const ByteView captured{ByteView{payload}.first(size)};
    // theirs: that is all there was
    const Decoded shorter{Decode(type, captured, size)};
    RC_ASSERT(Complaint(type, captured, size) == "");
    if (IsMessageToo(type, whole, size)) {
        RC_ASSERT(shorter.status == Status::Whole);
    } else {
        RC_ASSERT(shorter.status == Status::Malformed);
        RC_ASSERT((shorter.problem == Problem::EndsEarly || shorter.problem == Problem::CountTooLarge));
    }
    // ours: the message went on
    const Decoded cut{Decode(type, captured, payload.size())};
    RC_ASSERT(Complaint(type, captured, payload.size()) == "");
    RC_ASSERT(cut.status == Status::Cut);
    const List there{ListOf(cut)};
    const auto whole_elements = static_cast<std::size_t>(
        std::ranges::count_if(list.ends, [&](const std::byte* end) { return end <= captured.data() + captured.size(); }));
    RC_ASSERT(there.ends.size() == whole_elements);
    RC_ASSERT(std::equal(there.ends.begin(), there.ends.end(), list.ends.begin()));
    if (whole_elements > 0) RC_ASSERT(there.claimed == list.claimed);
}

// ---- properties -------------------------------------------------------------------------------------------------------

RC_GTEST_PROP(Property, WrittenBackItIsThePayload, (std::uint64_t seed))
{
    for (std::size_t id{0}; id < MESSAGE_TYPE_COUNT; ++id) {
        const MessageType type{TypeOf(id)};
        const Buffer payload{Maker{seed + id}.Make(type)};
        const Decoded decoded{Decode(type, payload, payload.size())};
        if (decoded.status != Status::Whole || decoded.trailing != 0) {
            RC_FAIL(Of(type, seed + id) + ": " + std::string{ToString(decoded.problem)} + " at " + std::to_string(decoded.problem_at));
        }
        Buffer again{WriteBack(decoded)};
        const auto* const version = std::get_if<VersionMsg>(&decoded.message);
        if (version && version->relay.value_or(false)) again.back() = payload.back(); // any byte but 0 is true
        if (again != payload) RC_FAIL(Of(type, seed + id));
        RC_ASSERT(Complaint(type, payload, payload.size()) == "");
    }
}

RC_GTEST_PROP(Property, PrefixesFailCleanlyOrAreCut, (std::uint64_t seed))
{
    const MessageType type{TypeOf(seed)};
    RC_CLASSIFY(type == MessageType::Block);
    const Buffer payload{Maker{seed}.Make(type)};
    const Decoded whole{Decode(type, payload, payload.size())};
    RC_ASSERT(whole.status == Status::Whole);
    const List list{ListOf(whole)};
    const std::size_t step{1 + payload.size() / 400};
    for (std::size_t size{seed % step}; size < payload.size(); size += step) CheckPrefix(type, payload, whole, list, size);
}

TEST(Property, EveryPrefixOfEveryType)
{
    for (std::size_t id{0}; id < MESSAGE_TYPE_COUNT; ++id) {
        const MessageType type{TypeOf(id)};
        std::size_t tried{0};
        for (std::uint64_t seed{1}; tried < 5; ++seed) {
            const Buffer payload{Maker{seed}.Make(type)};
            if (payload.size() > 600) continue;
            ++tried;
            const Decoded whole{Decode(type, payload, payload.size())};
            ASSERT_EQ(whole.status, Status::Whole);
            const List list{ListOf(whole)};
            for (std::size_t size{0}; size < payload.size(); ++size) {
                SCOPED_TRACE(Of(type, seed) + ", first " + std::to_string(size));
                CheckPrefix(type, payload, whole, list, size);
            }
        }
    }
}

RC_GTEST_PROP(Property, TrailingBytesAreCounted, (std::uint64_t seed))
{
    for (std::size_t id{0}; id < MESSAGE_TYPE_COUNT; ++id) {
        const MessageType type{TypeOf(id)};
        Buffer payload{Maker{seed + id}.Make(type)};
        const Decoded whole{Decode(type, payload, payload.size())};
        // Where fields are absent the bytes would be those fields, and these types have no end of their own.
        if (std::get_if<UnknownMsg>(&whole.message) || type == MessageType::Version || type == MessageType::Reject || payload.empty())
            continue;
        payload.push_back(std::byte{0});
        const Decoded longer{Decode(type, payload, payload.size() + 6)};
        RC_ASSERT(longer.trailing == 7u);
        if (type == MessageType::Feature) {
            RC_ASSERT(longer.problem == Problem::TrailingBytes);
        } else {
            RC_ASSERT(longer.status == Status::Whole);
        }
    }
}

RC_GTEST_PROP(Property, BytesOfChanceDoNoHarm, (std::uint8_t number, const std::vector<std::uint8_t>& bytes, std::uint16_t missing))
{
    RC_ASSERT(Complaint(TypeOf(number), std::as_bytes(std::span{bytes}), bytes.size() + missing) == "");
    RC_ASSERT(Complaint(TypeOf(number), std::as_bytes(std::span{bytes}), bytes.size()) == "");
}

RC_GTEST_PROP(Property, DamagedMessagesDoNoHarm, (std::uint64_t seed))
{
    const MessageType type{TypeOf(seed)};
    const Buffer payload{Maker{seed}.Make(type)};
    RC_PRE(!payload.empty());
    sim::Rng rng{seed};
    for (int round{0}; round < 20; ++round) {
        Buffer damaged{payload};
        for (std::uint64_t i{0}; i <= rng.Below(3); ++i) {
            // sizes and counts are where it hurts
            static constexpr std::uint8_t MEAN[]{0, 1, 0xfc, 0xfd, 0xfe, 0xff};
            damaged[rng.Below(damaged.size())] = std::byte(rng.Chance(0.5) ? MEAN[rng.Below(std::size(MEAN))] : rng.Below(256));
        }
        const std::size_t captured{rng.Chance(0.5) ? damaged.size() : rng.Below(damaged.size() + 1)};
        const ByteView part{ByteView{damaged}.first(captured)};
        RC_ASSERT(Complaint(type, part, damaged.size()) == "");
        // What we have of a message never leads to another judgement of it than the whole, only to none.
        const Decoded of_part{Decode(type, part, damaged.size())}, of_all{Decode(type, damaged, damaged.size())};
        if (of_part.status == Status::Cut) continue;
        RC_ASSERT(of_part.status == of_all.status);
        RC_ASSERT(of_part.problem == of_all.problem);
        RC_ASSERT(of_part.problem_at == of_all.problem_at);
        RC_ASSERT(of_part.trailing == of_all.trailing);
    }
}

} // namespace
} // namespace coretap::wire
