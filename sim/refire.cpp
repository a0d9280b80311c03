#include "sim/refire.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include <sys/mman.h>

namespace coretap::sim {
namespace {

using event::ArgDef;
using event::ArgType;
using event::TracepointDef;

/** Whether an argument of this kind can be passed as a T. */
template <class T>
bool Fits(const ArgDef& arg)
{
    switch (arg.type) {
    case ArgType::String: return std::is_same_v<T, const char*>;
    case ArgType::Hash:
    case ArgType::Bytes: return std::is_same_v<T, const std::uint8_t*>;
    case ArgType::Int:
    case ArgType::Uint:
    case ArgType::Bool: break; // somebody's own row may call a flag a number
    }
    return std::is_integral_v<T> && arg.size == sizeof(T);
}

/** The arguments of a probe, by which its recorded ones are judged and passed. */
template <class... Args>
struct Taking {
    static bool FitsAll(const TracepointDef& def)
    {
        if (def.args.size() != sizeof...(Args)) return false;
        std::size_t i{0};
        return (Fits<Args>(def.args[i++]) && ...);
    }

    template <void (Probes::*PROBE)(Args...)>
    static void Fire(Probes& probes, Refirer::Arguments& arguments)
    {
        [&]<std::size_t... I>(std::index_sequence<I...>) { (probes.*PROBE)(arguments.Get<Args>(I)...); }
        (std::index_sequence_for<Args...>{});
    }
};

using I32 = std::int32_t;
using I64 = std::int64_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using Text = const char*;
using Ptr = const std::uint8_t*;

struct Row {
    Tp tp;
    bool (*fits)(const TracepointDef&);
    void (*fire)(Probes&, Refirer::Arguments&);
};

template <auto PROBE, class Arguments>
constexpr Row RowOf(Tp tp)
{
    return {tp, &Arguments::FitsAll, &Arguments::template Fire<PROBE>};
}

using Message = Taking<I64, Text, Text, Text, U64, Ptr>;
using Connection = Taking<I64, Text, Text, U32, U64>;
using Ended = Taking<I64, Text, Text, U32, I64>;
using Coin = Taking<Ptr, U32, U32, I64, bool>;

// The methods that take a Peer have the same names: where there is one, Fire<> tells by its arguments which is meant.
constexpr Row ROWS[]{
    {Tp::NetInboundMessage, Message::FitsAll, Message::Fire<&Probes::InboundMessage>},
    {Tp::NetOutboundMessage, Message::FitsAll, Message::Fire<&Probes::OutboundMessage>},
    {Tp::NetInboundConnection, Connection::FitsAll, Connection::Fire<&Probes::InboundConnection>},
    {Tp::NetOutboundConnection, Connection::FitsAll, Connection::Fire<&Probes::OutboundConnection>},
    {Tp::NetEvictedInboundConnection, Ended::FitsAll, Ended::Fire<&Probes::EvictedInboundConnection>},
    {Tp::NetClosedConnection, Ended::FitsAll, Ended::Fire<&Probes::ClosedConnection>},
    RowOf<&Probes::MisbehavingConnection, Taking<I64, Text>>(Tp::NetMisbehavingConnection),
    RowOf<&Probes::BlockConnected, Taking<Ptr, I32, U64, I32, I64, I64>>(Tp::ValidationBlockConnected),
    RowOf<&Probes::MempoolAdded, Taking<Ptr, I32, I64>>(Tp::MempoolAdded),
    RowOf<&Probes::MempoolRemoved, Taking<Ptr, Text, I32, I64, U64>>(Tp::MempoolRemoved),
    RowOf<&Probes::MempoolReplaced, Taking<Ptr, I32, I64, U64, Ptr, I32, I64, bool>>(Tp::MempoolReplaced),
    RowOf<&Probes::MempoolRejected, Taking<Ptr, Text>>(Tp::MempoolRejected),
    RowOf<&Probes::UtxocacheFlush, Taking<I64, U32, U64, U64, bool>>(Tp::UtxocacheFlush),
    RowOf<&Probes::UtxocacheAdd, Coin>(Tp::UtxocacheAdd),
    RowOf<&Probes::UtxocacheSpent, Coin>(Tp::UtxocacheSpent),
    RowOf<&Probes::UtxocacheUncache, Coin>(Tp::UtxocacheUncache),
    RowOf<&Probes::SelectedCoins, Taking<Text, Text, I64, I64, I64>>(Tp::CoinSelectionSelectedCoins),
    RowOf<&Probes::NormalCreateTxInternal, Taking<Text, bool, I64, I32>>(Tp::CoinSelectionNormalCreateTxInternal),
    RowOf<&Probes::AttemptingApsCreateTx, Taking<Text>>(Tp::CoinSelectionAttemptingApsCreateTx),
    RowOf<&Probes::ApsCreateTxInternal, Taking<Text, bool, bool, I64, I32>>(Tp::CoinSelectionApsCreateTxInternal),
    RowOf<&Probes::AttemptAdd, Taking<bool, I32, I32, Text, U32, Text, U32>>(Tp::AddrmanAttemptAdd),
#ifdef CORETAP_SIM_ADDRMAN_2023
    {Tp::AddrmanMoveToGood, Taking<Text, I32, I32, U32, Text, U32>::FitsAll,
     [](Probes& probes, Refirer::Arguments& from) {
         probes.MoveToGood(from.Get<I32>(1), from.Get<I32>(2), from.Get<Text>(0), from.Get<U32>(3), from.Get<Text>(4), from.Get<U32>(5));
     }},
#else
    RowOf<&Probes::MoveToGood, Taking<I32, I32, Text, U32, Text, U32>>(Tp::AddrmanMoveToGood),
#endif
    RowOf<&Probes::Demo, Taking<U64, I32, Text, Ptr, U64, Ptr>>(Tp::SimnodeDemo),
};
static_assert(std::size(ROWS) == TP_COUNT);

constexpr std::size_t PAGE{4096};
constexpr std::size_t ROOM{(CT_MAX_PAYLOAD + PAGE - 1) / PAGE * PAGE};

} // namespace

const std::uint8_t* Refirer::Arguments::Zeros::With(std::span<const std::byte> head)
{
    if (!m_mapping) {
        void* const at{::mmap(nullptr, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)};
        if (at == MAP_FAILED) return nullptr;
        m_mapping = util::Mapping{at, ROOM + PAGE};
        // a size that no message has leads here, not into memory of ours
        ::mprotect(static_cast<std::byte*>(at) + ROOM, PAGE, PROT_NONE);
    }
    auto* const to = static_cast<std::byte*>(m_mapping.Data());
    const std::size_t size{std::min(head.size(), ROOM)};
    if (size > 0) std::memcpy(to, head.data(), size);
    if (m_dirty > size) std::memset(to + size, 0, m_dirty - size);
    m_dirty = size;
    return reinterpret_cast<const std::uint8_t*>(to);
}

const char* Refirer::Arguments::Text(std::size_t i)
{
    if (m_event->Faulted(i)) return nullptr;
    m_texts[i] = m_event->Str(i);
    if (m_event->Cut(i)) m_texts[i] += '~';
    return m_texts[i].c_str();
}

const std::uint8_t* Refirer::Arguments::Pointer(std::size_t i)
{
    if (m_event->Faulted(i)) return nullptr;
    const std::span<const std::byte> captured{m_event->Bytes(i)};
    const ArgDef& def{m_event->Def().args[i]};
    if (def.type == ArgType::Bytes && captured.size() < m_event->Uint(def.length_arg)) return m_zeros[i].With(captured);
    return reinterpret_cast<const std::uint8_t*>(captured.data());
}

Refirer::Plan Refirer::PlanFor(const TracepointDef& def)
{
    if (def.origin == event::Origin::Coretap) return {nullptr, "coretap's own"};
    const auto tp = TpByName(def.FullName());
    const auto* const row = tp ? std::ranges::find(ROWS, *tp, &Row::tp) : std::end(ROWS);
    if (row == std::end(ROWS)) return {nullptr, "no such tracepoint here"};
    if (!row->fits(def)) return {nullptr, "other arguments here"};
    return {row->fire, {}};
}

void Refirer::CountAltered(const event::Event& event)
{
    const TracepointDef& def{event.Def()};
    for (std::size_t i{0}; i < event.ArgCount(); ++i) {
        const char* what{nullptr};
        if (event.Faulted(i)) {
            what = "unreadable arguments";
        } else if (def.args[i].type == ArgType::Bytes && event.Bytes(i).size() < event.Uint(def.args[i].length_arg)) {
            what = "cut payloads";
        } else if (def.args[i].type == ArgType::String && event.Cut(i)) {
            what = "cut strings";
        }
        if (what) ++m_altered[def.FullName()][what];
    }
}

void Refirer::CountNotReplayed(const std::string& tracepoint, std::string_view reason)
{
    ++m_not_replayed[tracepoint][std::string{reason}];
}

void Refirer::Fire(const event::Event& event, std::size_t process)
{
    auto plan = m_plans.find(&event.Def());
    if (plan == m_plans.end()) plan = m_plans.emplace(&event.Def(), PlanFor(event.Def())).first;
    if (!plan->second.fire) {
        CountNotReplayed(event.Def().FullName(), plan->second.why_not);
        return;
    }
    CountAltered(event);
    m_arguments.Of(event, process * PEERS_OF_A_PROCESS);
    plan->second.fire(m_probes, m_arguments);
}

} // namespace coretap::sim
