#include "poll/schedule.h"

#include <algorithm>

namespace coretap::poll {

using std::chrono::milliseconds;

Intervals DefaultIntervals()
{
    using std::chrono::seconds;
    Intervals intervals{};
    const auto set = [&](RpcMethod method, seconds every) { intervals[static_cast<std::size_t>(method)] = every; };
    set(RpcMethod::PeerInfo, seconds{5});
    set(RpcMethod::NetTotals, seconds{5});
    set(RpcMethod::MempoolInfo, seconds{5});
    set(RpcMethod::BlockchainInfo, seconds{10});
    set(RpcMethod::NetworkInfo, seconds{30});
    set(RpcMethod::Uptime, seconds{30});
    set(RpcMethod::MemoryInfo, seconds{60});
    set(RpcMethod::AddrmanInfo, seconds{60});
    set(RpcMethod::OrphanTxs, seconds{10});
    set(RpcMethod::ChainTips, seconds{120});
    set(RpcMethod::RawAddrman, seconds{120});
    return intervals;
}

Schedule::Schedule(const Intervals& intervals, Time start, std::uint32_t seed) : m_intervals{intervals}, m_random{seed}
{
    for (Entry& entry : m_entries) entry.due = start;
}

std::vector<RpcMethod> Schedule::Due(Time now) const
{
    std::vector<RpcMethod> due;
    for (std::size_t i{0}; i < RPC_METHODS; ++i) {
        const auto method{static_cast<RpcMethod>(i)};
        if (!Off(method) && !m_entries[i].dropped && m_entries[i].due <= now) due.push_back(method);
    }
    return due;
}

Schedule::Time Schedule::Next() const
{
    Time next{Time::max()};
    for (std::size_t i{0}; i < RPC_METHODS; ++i) {
        if (!Off(static_cast<RpcMethod>(i)) && !m_entries[i].dropped) next = std::min(next, m_entries[i].due);
    }
    return next;
}

std::chrono::nanoseconds Schedule::Jittered(std::chrono::nanoseconds interval)
{
    return interval * std::uniform_int_distribution<int>{900, 1100}(m_random) / 1000;
}

void Schedule::Done(RpcMethod method, Time now, bool ok)
{
    Entry& entry{At(method)};
    entry.slowdown = ok ? 1 : std::min(entry.slowdown * 2, MAX_SLOWDOWN);
    entry.due = now + Jittered(m_intervals[static_cast<std::size_t>(method)] * entry.slowdown);
}

void Schedule::Hold(Time now)
{
    const Time until{now + Jittered(m_hold)};
    for (Entry& entry : m_entries) entry.due = std::max(entry.due, until);
    m_hold = std::min(m_hold * 2, MAX_HOLD);
}

void Schedule::RestoreDropped(Time now)
{
    for (Entry& entry : m_entries) {
        if (entry.dropped) entry = {.due = now};
    }
}

bool Schedule::AllDropped() const { return Next() == Time::max(); }

} // namespace coretap::poll
