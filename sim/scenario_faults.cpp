// Scenario `faults`: what no node ever passes, but a tracer must survive and must report as unknown. A read that
// fails must not show another event's bytes.
#include <cstring>

#include <sys/mman.h>

#include <fmt/format.h>

#include "sim/scenarios.h"
#include "sim/wire_encode.h"

namespace coretap::sim {
namespace {

constexpr std::size_t PAGE{4096};

/** Pages of which the last cannot be read; the bytes before it are 'A' and no NUL. */
class Cliff {
    std::uint8_t* m_base{nullptr};
    std::size_t m_readable{0};

public:
    explicit Cliff(std::size_t readable_pages) : m_readable{readable_pages * PAGE}
    {
        void* at{::mmap(nullptr, m_readable + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
        if (at == MAP_FAILED) return;
        m_base = static_cast<std::uint8_t*>(at);
        std::memset(m_base, 'A', m_readable);
        ::mprotect(m_base + m_readable, PAGE, PROT_NONE);
    }
    ~Cliff()
    {
        if (m_base) ::munmap(m_base, m_readable + PAGE);
    }
    Cliff(const Cliff&) = delete;
    Cliff& operator=(const Cliff&) = delete;

    /** The address `bytes` before the first that cannot be read. */
    std::uint8_t* Before(std::size_t bytes) const { return m_base ? m_base + m_readable - bytes : nullptr; }
};

/** Every tracepoint that takes a pointer, with this one for all of them. */
void FireAll(Probes& probes, std::uint64_t n, const void* bad)
{
    const auto* text = static_cast<const char*>(bad);
    const auto* bytes = static_cast<const std::uint8_t*>(bad);
    const auto id = static_cast<std::int64_t>(n);
    const Hash256 good{};
    probes.InboundMessage(id, text, text, text, 100, bytes);
    probes.OutboundMessage(id, text, text, text, 100, bytes);
    // one unreadable argument at a time: the others must come through
    probes.InboundMessage(id, text, "inbound", "ping", 8, reinterpret_cast<const std::uint8_t*>("12345678"));
    probes.InboundMessage(id, "1.2.3.4:8333", text, "ping", 8, reinterpret_cast<const std::uint8_t*>("12345678"));
    probes.InboundMessage(id, "1.2.3.4:8333", "inbound", text, 8, reinterpret_cast<const std::uint8_t*>("12345678"));
    probes.InboundMessage(id, "1.2.3.4:8333", "inbound", "ping", 8, bytes);
    probes.InboundMessage(id, "1.2.3.4:8333", "inbound", "verack", 0, bytes); // size 0: nothing to read, no fault
    probes.InboundConnection(id, text, text, 1, n);
    probes.OutboundConnection(id, text, text, 1, n);
    probes.EvictedInboundConnection(id, text, text, 1, id);
    probes.MisbehavingConnection(id, text);
    probes.ClosedConnection(id, text, text, 1, id);
    probes.BlockConnected(bytes, 1, n, 1, 1, 1);
    probes.MempoolAdded(bytes, 1, id);
    probes.MempoolRemoved(bytes, text, 1, id, n);
    probes.MempoolReplaced(bytes, 1, id, n, good.data(), 1, id, true);
    probes.MempoolReplaced(good.data(), 1, id, n, bytes, 1, id, true);
    probes.MempoolRejected(bytes, text);
    probes.UtxocacheAdd(bytes, 1, 1, id, false);
    probes.UtxocacheSpent(bytes, 1, 1, id, false);
    probes.UtxocacheUncache(bytes, 1, 1, id, false);
    probes.SelectedCoins(text, text, id, 1, 1);
    probes.NormalCreateTxInternal(text, true, id, 1);
    probes.AttemptingApsCreateTx(text);
    probes.ApsCreateTxInternal(text, true, true, id, 1);
    probes.AttemptAdd(true, 1, 1, text, 1, text, 1);
    probes.MoveToGood(1, 1, text, 1, text, 1);
    probes.Demo(n, 1, text, bytes, 100, bytes);
}

} // namespace

void RunFaults(Context& context)
{
    Probes& probes{context.probes};
    const Cliff cliff{2};
    const Cliff gone_later{1};
    // below vm.mmap_min_addr nothing is ever mapped; bits 48 to 63 in disorder are no address at all
    const void* const bad[]{nullptr, reinterpret_cast<const void*>(std::uintptr_t{64}), cliff.Before(0),
                            reinterpret_cast<const void*>(0xdead'0000'0000'0000), reinterpret_cast<const void*>(0xffff'8880'0000'0000)};
    for (std::uint64_t round{0}; round < context.options.repeat; ++round) {
        std::uint64_t n{0};
        for (const void* pointer : bad) FireAll(probes, n++, pointer);

        // a good event first: its bytes must not show up in the bad ones that follow
        probes.InboundMessage(n, "1.2.3.4:8333", "inbound", "tx", 5, reinterpret_cast<const std::uint8_t*>("GHOST"));
        // payloads and byte arrays that run off the readable page after 0, 1, 100, 4096 bytes
        for (const std::size_t readable : {std::size_t{1}, std::size_t{100}, PAGE, PAGE + 7}) {
            probes.InboundMessage(n, "1.2.3.4:8333", "inbound", "tx", readable + 100, cliff.Before(readable));
            probes.OutboundMessage(n, "1.2.3.4:8333", "inbound", "block", readable + 1'000'000, cliff.Before(readable));
            probes.Demo(n, 1, "runs off", Hash256{}.data(), readable + 1, cliff.Before(readable));
            ++n;
        }
        // a payload that ends where the page does is fine
        probes.InboundMessage(n, "1.2.3.4:8333", "inbound", "tx", 300, cliff.Before(300));
        // a length no message has
        probes.InboundMessage(n, "1.2.3.4:8333", "inbound", "tx", std::uint64_t{5'000'000'000}, cliff.Before(PAGE));
        // strings without a NUL that run off the page; hashes cut by it
        for (const std::size_t readable : {1, 9, 31}) FireAll(probes, n++, cliff.Before(readable));
        // strings longer than every bound
        const std::string endless(5'000, 'L');
        probes.InboundMessage(n, endless.c_str(), endless.c_str(), endless.c_str(), 3, reinterpret_cast<const std::uint8_t*>("abc"));
        probes.MisbehavingConnection(n, endless.c_str());
        probes.MempoolRejected(Hash256{}.data(), endless.c_str());
        probes.SelectedCoins(endless.c_str(), endless.c_str(), 1, 2, 3);
        probes.AttemptAdd(true, 1, 1, endless.c_str(), 1, endless.c_str(), 1);
        probes.MoveToGood(1, 1, endless.c_str(), 1, endless.c_str(), 1);
        probes.Demo(n, 1, endless.c_str(), Hash256{}.data(), endless.size(), reinterpret_cast<const std::uint8_t*>(endless.data()));
        // and a good one last
        probes.InboundMessage(n, "1.2.3.4:8333", "inbound", "ping", 8, reinterpret_cast<const std::uint8_t*>("12345678"));
        if (!context.pacer.Step()) return;
    }
}

} // namespace coretap::sim
