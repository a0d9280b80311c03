#include "poll/poller.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "poll/raw_addrman.h"
#include "poll/rpc_answers.h"
#include "poll/rpc_client.h"

namespace coretap::poll {
namespace {

using Clock = std::chrono::steady_clock;
using Availability = MethodFacts::Availability;

constexpr std::chrono::seconds SAME_PASSWORD_AGAIN{60}; // bitcoind logs every wrong one, and makes the asker wait
constexpr std::chrono::seconds LEAST_SHOWN{60};
constexpr int NONSENSE_IN_A_ROW{3}; // answers, after which it is not the method but whoever answers

std::int64_t NowUtcNs()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/** Small answers without much locking: asked together. */
bool IsLight(RpcMethod method)
{
    return method != RpcMethod::PeerInfo && method != RpcMethod::ChainTips && method != RpcMethod::OrphanTxs &&
           method != RpcMethod::RawAddrman;
}

RpcState StateOf(RpcFailure failure)
{
    switch (failure) {
    case RpcFailure::Refused:
    case RpcFailure::Unreachable: return RpcState::Unreachable;
    case RpcFailure::Unauthorized: return RpcState::Unauthorized;
    case RpcFailure::Forbidden: return RpcState::Forbidden;
    case RpcFailure::WarmingUp: return RpcState::WarmingUp;
    case RpcFailure::Overloaded: return RpcState::Overloaded;
    default: return RpcState::Failing;
    }
}

} // namespace

NodeFacts CountersOf(const NodeFacts& facts)
{
    NodeFacts counters;
    counters.reconnects = facts.reconnects;
    for (std::size_t i{0}; i < RPC_METHODS; ++i) {
        const MethodFacts& from{facts.methods[i]};
        counters.methods[i].successes = from.successes;
        counters.methods[i].failures = from.failures;
        counters.methods[i].duration_total_ns = from.duration_total_ns;
        counters.methods[i].odd_values = from.odd_values;
    }
    return counters;
}

class Poller::Worker {
    PollerOptions m_options;
    Schedule m_schedule;
    NodeFacts m_facts;
    RpcAccess m_access;
    RpcAccess m_rejected; //!< with a 401
    Clock::time_point m_rejected_at{};
    bool m_batches{true};
    int m_nonsense{0};
    std::array<bool, RPC_METHODS> m_failing{};
    std::set<std::string> m_said; //!< methods that are missing or forbidden: said once

    Gate m_callbacks;
    mutable std::mutex m_mutex;
    std::condition_variable m_wake;
    std::optional<Clock::time_point> m_stopped_at;
    std::shared_ptr<const NodeFacts> m_latest;
    std::unique_ptr<RpcClient> m_client; //!< replaced under the lock; used by the thread without

public:
    explicit Worker(PollerOptions options)
        : m_options{std::move(options)},
          m_schedule{m_options.intervals, Clock::now(), std::random_device{}()},
          m_facts{CountersOf(m_options.before)},
          m_latest{std::make_shared<const NodeFacts>(m_facts)}
    {
        for (std::size_t i{0}; i < RPC_METHODS; ++i) {
            if (m_schedule.Off(static_cast<RpcMethod>(i))) m_facts.methods[i].availability = Availability::Off;
        }
        m_facts.state_since_utc_ns = NowUtcNs();
        // several are opened one after the other, and each may take long
        m_options.open = [this, open = std::move(m_options.open)](const OpenRequest& request) -> util::Result<util::Fd> {
            if (Stopping()) return util::Error{util::Errc::Io, "it is not asked any more"};
            return open(request);
        };
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    std::shared_ptr<const NodeFacts> Latest() const
    {
        const std::lock_guard lock{m_mutex};
        return m_latest;
    }

    /** The moment of the first of these calls. */
    Clock::time_point Stop()
    {
        m_callbacks.Close();
        const std::lock_guard lock{m_mutex};
        if (!m_stopped_at) m_stopped_at = Clock::now();
        if (m_client) m_client->Cancel();
        m_wake.notify_all();
        return *m_stopped_at;
    }

    void Run()
    {
        std::unique_lock lock{m_mutex};
        const auto stopped = [this] { return m_stopped_at.has_value(); };
        while (!m_stopped_at) {
            const auto next{m_schedule.Next()};
            if (next == Clock::time_point::max()) {
                m_wake.wait(lock, stopped);
                return;
            }
            if (m_wake.wait_until(lock, next, stopped)) return;
            lock.unlock();
            Round();
            const auto facts{std::make_shared<const NodeFacts>(m_facts)};
            lock.lock();
            m_latest = facts;
            lock.unlock();
            if (m_options.on_facts) m_callbacks.Through([&] { m_options.on_facts(facts); });
            lock.lock();
        }
    }

private:
    bool Stopping() const
    {
        const std::lock_guard lock{m_mutex};
        return m_stopped_at.has_value();
    }
    void Warn(const std::string& text)
    {
        if (m_options.warn) m_callbacks.Through([&] { m_options.warn(text); });
    }
    MethodFacts& Of(RpcMethod method) { return m_facts.methods[static_cast<std::size_t>(method)]; }

    void SetState(RpcState state, const std::string& text)
    {
        const RpcState before{std::exchange(m_facts.state, state)};
        m_facts.state_text = text;
        if (state == before) return;
        m_facts.state_since_utc_ns = NowUtcNs();
        if (state != RpcState::Ok) return Warn(fmt::format("RPC: {}", text));
        if (before == RpcState::NotTried) return;
        ++m_facts.reconnects;
        Warn(fmt::format("RPC: {} answers again", m_facts.rpc_address));
    }

    /** What is wrong is wrong for every method. */
    void Trouble(RpcState state, const std::string& text)
    {
        SetState(state, text);
        m_schedule.Hold(Clock::now());
    }

    /** Find address and password anew. False if there is no use in asking now. */
    bool Connect()
    {
        const NodeSettings settings{FindNodeSettings(m_options.place, m_options.open)};
        const auto access{FindRpcAccess(settings, m_options.rpc, m_options.open)};
        if (!access) {
            Trouble(RpcState::NoPassword, access.GetError().what);
            return false;
        }
        if (*access == m_rejected && Clock::now() - m_rejected_at < SAME_PASSWORD_AGAIN) {
            m_schedule.Hold(Clock::now());
            return false;
        }
        if (m_client && *access == m_access) return true;
        auto client{std::make_unique<RpcClient>(access->host, access->port, m_options.http)};
        client->SetCredentials(access->user, access->password);
        m_access = *access;
        m_facts.rpc_address = fmt::format("{}:{}", access->host, access->port);
        const std::lock_guard lock{m_mutex};
        if (m_stopped_at) client->Cancel();
        m_client = std::move(client);
        return true;
    }

    void Round()
    {
        const auto now{Clock::now()};
        // A node that was away may be another one now, with another password, port, version
        if (m_facts.state != RpcState::Ok && m_facts.state != RpcState::Overloaded) {
            if (Connect()) {
                m_schedule.RestoreDropped(now);
                Ask(now);
            }
        } else {
            Ask(now);
        }
        Expire();
        m_facts.utc_ns = NowUtcNs();
    }

    void Ask(Clock::time_point now)
    {
        RpcFailure failure{AskDue(m_schedule.Due(now))};
        if (failure == RpcFailure::Unauthorized) {
            // The node has restarted and made another cookie: try that one at once
            m_rejected = m_access;
            m_rejected_at = Clock::now();
            const NodeSettings settings{FindNodeSettings(m_options.place, m_options.open)};
            const auto access{FindRpcAccess(settings, m_options.rpc, m_options.open)};
            if (access && *access != m_rejected && Connect()) failure = AskDue(m_schedule.Due(now));
            if (failure == RpcFailure::Unauthorized) {
                SetState(RpcState::Unauthorized,
                         fmt::format("{} refuses {} (401): check user and password, and whether the cookie is that node's",
                                     m_facts.rpc_address, m_access.from));
            }
        }
        if (failure != RpcFailure::None && failure != RpcFailure::Cancelled) {
            m_schedule.Hold(Clock::now());
        } else if (m_schedule.AllDropped()) {
            m_schedule.RestoreDropped(now);
            Trouble(
                RpcState::Forbidden,
                fmt::format("{} forbids all that coretap asks (403): see -rpcallowip and -rpcwhitelist of the node", m_facts.rpc_address));
        }
    }

    /** Ends early with the failure that makes asking further useless; the state says it then. */
    RpcFailure AskDue(const std::vector<RpcMethod>& due)
    {
        std::vector<RpcMethod> together, alone;
        for (const RpcMethod method : due) (m_batches && IsLight(method) ? together : alone).push_back(method);
        if (together.size() > 1) {
            std::vector<RpcRequest> requests;
            for (const RpcMethod method : together) requests.push_back({std::string{MethodName(method)}, MethodParams(method)});
            const auto started{Clock::now()};
            const auto answers{m_client->CallBatch(requests)};
            const std::chrono::nanoseconds took{Clock::now() - started};
            if (answers.front().failure == RpcFailure::Forbidden) { // one that is not in -rpcwhitelist forbids the whole
                m_batches = false;
                alone.insert(alone.begin(), together.begin(), together.end());
            } else {
                for (std::size_t i{0}; i < together.size(); ++i) {
                    if (const RpcFailure failure{Handle(together[i], answers[i], took)}; failure != RpcFailure::None) return failure;
                }
            }
        } else {
            alone.insert(alone.begin(), together.begin(), together.end());
        }
        for (const RpcMethod method : alone) {
            const RpcFailure failure{method == RpcMethod::RawAddrman ? AskRawAddrman() : AskOne(method)};
            if (failure != RpcFailure::None) return failure;
        }
        return RpcFailure::None;
    }

    RpcFailure AskOne(RpcMethod method)
    {
        const auto started{Clock::now()};
        const RpcAnswer answer{m_client->Call({std::string{MethodName(method)}, MethodParams(method)})};
        return Handle(method, answer, Clock::now() - started);
    }

    RpcFailure AskRawAddrman()
    {
        const auto started{Clock::now()};
        RawAddrmanReader reader{NowUtcNs() / 1'000'000'000};
        RpcAnswer answer{m_client->CallStreamed({std::string{MethodName(RpcMethod::RawAddrman)}, {}},
                                                [&](std::string_view piece) { return reader.Take(piece); })};
        if (answer) {
            if (auto facts{reader.Finish()}) {
                m_facts.raw_addrman = std::move(*facts);
            } else {
                answer = {RpcFailure::Malformed, 0, facts.GetError().what, nullptr};
            }
        }
        return Handle(RpcMethod::RawAddrman, answer, Clock::now() - started);
    }

    /** Take an answer; the failure if it is one for every method. */
    RpcFailure Handle(RpcMethod method, const RpcAnswer& answer, std::chrono::nanoseconds took)
    {
        if (answer.failure == RpcFailure::Cancelled) return answer.failure;
        MethodFacts& facts{Of(method)};
        facts.duration_ns = took.count();
        facts.duration_total_ns += took.count();
        Oddities odd;
        std::string problem{answer.what};
        bool good{answer};
        if (good && method != RpcMethod::RawAddrman && !ReadResult(method, answer.result, m_facts, odd)) {
            good = false;
            problem = odd.first;
        }
        if (good) {
            ++facts.successes;
            facts.last_success_utc_ns = NowUtcNs();
            facts.availability = Availability::Yes;
            facts.odd_values += odd.count;
            if (odd.count != 0) facts.last_odd = odd.first;
            if (method == RpcMethod::RawAddrman && m_facts.raw_addrman) facts.odd_values += m_facts.raw_addrman->unreadable;
            m_nonsense = 0;
        } else {
            ++facts.failures;
            facts.last_failure_utc_ns = NowUtcNs();
            facts.last_error = problem;
        }
        return Consequences(method, answer.failure, good, problem);
    }

    RpcFailure Consequences(RpcMethod method, RpcFailure failure, bool good, const std::string& problem)
    {
        const bool nonsense{failure == RpcFailure::Malformed || failure == RpcFailure::Http};
        if (nonsense) ++m_nonsense;
        switch (failure) {
        case RpcFailure::Refused:
        case RpcFailure::Unreachable:
        case RpcFailure::Broken:
        case RpcFailure::WarmingUp:
        case RpcFailure::Overloaded: SetState(StateOf(failure), problem); return failure;
        case RpcFailure::Unauthorized: return failure; // Ask() knows what to do
        case RpcFailure::Timeout:
            if (method == RpcMethod::RawAddrman) break; // large: the others may still be answered
            SetState(StateOf(failure), problem);
            return failure;
        case RpcFailure::NoSuchMethod:
        case RpcFailure::Forbidden: {
            Of(method).availability = failure == RpcFailure::Forbidden ? Availability::Forbidden : Availability::Missing;
            m_schedule.Drop(method);
            if (m_said.emplace(MethodName(method)).second) Warn(fmt::format("RPC: {}; not asked again until the node restarts", problem));
            if (failure == RpcFailure::NoSuchMethod) Answered();
            return RpcFailure::None;
        }
        default: break;
        }
        if (nonsense && (m_facts.state != RpcState::Ok || m_nonsense >= NONSENSE_IN_A_ROW)) {
            SetState(RpcState::Failing, problem);
            return failure;
        }
        m_schedule.Done(method, Clock::now(), good);
        if (good || failure == RpcFailure::Rpc || failure == RpcFailure::None) Answered();
        bool& failing{m_failing[static_cast<std::size_t>(method)]};
        if (!good && !failing) Warn(fmt::format("RPC: {}", problem));
        failing = !good;
        return RpcFailure::None;
    }

    void Answered()
    {
        m_schedule.Release();
        SetState(RpcState::Ok, {});
    }

    /** What was not confirmed for long is not shown as if it were so. */
    void Expire()
    {
        const auto old = [&](RpcMethod method) {
            const auto& last{Of(method).last_success_utc_ns};
            const auto interval{m_options.intervals[static_cast<std::size_t>(method)]};
            const std::chrono::nanoseconds limit{std::max<std::chrono::nanoseconds>(3 * interval, LEAST_SHOWN)};
            return last && NowUtcNs() - *last > limit.count();
        };
        if (old(RpcMethod::PeerInfo)) m_facts.peers.reset();
        if (old(RpcMethod::NetTotals)) m_facts.net_totals.reset();
        if (old(RpcMethod::MempoolInfo)) m_facts.mempool.reset();
        if (old(RpcMethod::BlockchainInfo)) m_facts.blockchain.reset();
        if (old(RpcMethod::NetworkInfo)) m_facts.network.reset();
        if (old(RpcMethod::Uptime)) m_facts.uptime_s.reset();
        if (old(RpcMethod::MemoryInfo)) m_facts.memory.reset();
        if (old(RpcMethod::AddrmanInfo)) m_facts.addrman.reset();
        if (old(RpcMethod::OrphanTxs)) m_facts.orphans.reset();
        if (old(RpcMethod::ChainTips)) m_facts.chain_tips.reset();
        if (old(RpcMethod::RawAddrman)) m_facts.raw_addrman.reset();
    }
};

Poller::Poller(PollerOptions options)
    : m_worker{std::make_shared<Worker>(std::move(options))}, m_thread{[worker = m_worker] { worker->Run(); }}
{}

Poller::~Poller() { m_thread.WaitUntil(m_worker->Stop() + LEAVE_PATIENCE); }

void Poller::Stop() { m_worker->Stop(); }

std::shared_ptr<const NodeFacts> Poller::Latest() const { return m_worker->Latest(); }

} // namespace coretap::poll
