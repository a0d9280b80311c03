// The traced program of the benchmarks: fires net:inbound_message (argument types of Bitcoin Core, semaphore,
// one-byte nop) and prints `ns_per_event fired attached`: what one firing cost the thread that fired it, how many there
// were, and whether a tracer had raised the semaphore at the end.
//
//   fire [--wait SECONDS] [--threads N] PATTERN EVENTS [RATE_PER_S]
//
// PATTERN: 8, 250, 1000, 32000, 100000 (payload bytes) or mix. EVENTS and RATE_PER_S are each thread's. --wait holds
// the first firing back until a tracer is attached.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#define SDT_USE_VARIADIC 1
#define _SDT_HAS_SEMAPHORES 1
extern "C" {
unsigned short net_inbound_message_semaphore __attribute__((section(".probes")));
}
#include <sys/sdt.h>

namespace {

struct Message {
    std::int64_t peer_id;
    std::string type;
    std::vector<unsigned char> payload;
};

struct Peer {
    std::int64_t id;
    std::string addr;
    std::string conn_type;
};

// As Bitcoin Core calls it: every argument a value the compiler has in a register or on the stack.
__attribute__((noinline)) void Fire(const Peer& peer, const Message& message)
{
    if (net_inbound_message_semaphore > 0) {
        STAP_PROBEV(net, inbound_message, peer.id, peer.addr.c_str(), peer.conn_type.c_str(), message.type.c_str(), message.payload.size(),
                    message.payload.data());
    }
}

std::vector<Message> MakeMessages(const std::string& pattern)
{
    std::vector<Message> messages;
    std::uint64_t state{88172645463325252ULL};
    const auto random = [&state] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    };
    for (int i{0}; i < 4096; ++i) {
        Message message{static_cast<std::int64_t>(random() % 125), "ping", {}};
        std::size_t size{static_cast<std::size_t>(std::atoi(pattern.c_str()))};
        if (pattern == "mix") { // mostly inv, tx, ping, with rare large messages
            const std::uint64_t dice{random() % 4096};
            if (dice < 2200) {
                message.type = "inv";
                size = 1 + 36 * (1 + random() % 4);
            } else if (dice < 3200) {
                message.type = "tx";
                size = 190 + random() % 400;
            } else if (dice < 3600) {
                size = 8;
            } else if (dice < 3900) {
                message.type = "getdata";
                size = 37;
            } else if (dice < 4060) {
                message.type = "headers";
                size = 82;
            } else if (dice < 4092) {
                message.type = "addrv2";
                size = 200 + random() % 600;
            } else if (dice < 4095) {
                message.type = "cmpctblock";
                size = 12000;
            } else {
                message.type = "block";
                size = 100000;
            }
        } else if (size != 8) {
            message.type = "tx";
        }
        message.payload.resize(size);
        for (unsigned char& byte : message.payload) byte = static_cast<unsigned char>(random());
        messages.push_back(std::move(message));
    }
    return messages;
}

std::vector<Peer> MakePeers()
{
    std::vector<Peer> peers;
    for (int i{0}; i < 125; ++i)
        peers.push_back({i, "203.0.113." + std::to_string(i) + ":8333", i % 10 == 0 ? "outbound-full-relay" : "inbound"});
    return peers;
}

using Clock = std::chrono::steady_clock;

struct Fired {
    Clock::duration busy{};
    long events{0};
};

Fired Run(const std::vector<Peer>& peers, const std::vector<Message>& messages, long events, double rate)
{
    const Clock::time_point start{Clock::now()};
    const long batch{rate > 0 ? 1 : 4096};
    Fired fired;
    while (fired.events < events) {
        const Clock::time_point before{Clock::now()};
        for (long i{0}; i < batch; ++i) {
            const Message& message{messages[static_cast<std::size_t>((fired.events + i) & 4095)]};
            Fire(peers[static_cast<std::size_t>(message.peer_id)], message);
        }
        fired.busy += Clock::now() - before;
        fired.events += batch;
        if (rate > 0)
            std::this_thread::sleep_until(start +
                                          std::chrono::nanoseconds{static_cast<long>(static_cast<double>(fired.events) * 1e9 / rate)});
    }
    return fired;
}

bool Attached() { return *const_cast<volatile unsigned short*>(&net_inbound_message_semaphore) > 0; }

} // namespace

int main(int argc, char** argv)
{
    double patience{0};
    int threads{1};
    for (; argc > 2 && argv[1][0] == '-'; argc -= 2, argv += 2) {
        if (std::strcmp(argv[1], "--wait") == 0) {
            patience = std::atof(argv[2]);
        } else if (std::strcmp(argv[1], "--threads") == 0) {
            threads = std::atoi(argv[2]);
        } else {
            argc = 0;
        }
    }
    if (argc < 3 || threads < 1) {
        std::fprintf(stderr, "usage: fire [--wait SECONDS] [--threads N] PATTERN EVENTS [RATE_PER_S]\n");
        return 2;
    }
    const std::vector<Message> messages{MakeMessages(argv[1])};
    const std::vector<Peer> peers{MakePeers()};
    const long events{std::atol(argv[2])};
    const double rate{argc > 3 ? std::atof(argv[3]) : 0};

    const Clock::time_point deadline{Clock::now() + std::chrono::milliseconds{static_cast<long>(patience * 1000)}};
    while (!Attached() && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds{5});

    std::vector<Fired> fired(static_cast<std::size_t>(threads));
    std::vector<std::thread> others;
    for (int i{1}; i < threads; ++i) {
        others.emplace_back([&, i] { fired[static_cast<std::size_t>(i)] = Run(peers, messages, events, rate); });
    }
    fired[0] = Run(peers, messages, events, rate);
    for (std::thread& other : others) other.join();

    Fired sum;
    for (const Fired& one : fired) {
        sum.busy += one.busy;
        sum.events += one.events;
    }
    std::printf("%.2f %ld %d\n", std::chrono::duration<double, std::nano>(sum.busy).count() / static_cast<double>(sum.events), sum.events,
                Attached());
    return 0;
}
