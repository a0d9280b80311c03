// What comes from an RPC port: the first byte chooses the method, the rest is the answer's text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "poll/raw_addrman.h"
#include "poll/rpc_answers.h"
#include "poll/rpc_client.h"

using namespace coretap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const auto method{static_cast<poll::RpcMethod>(data[0] % poll::RPC_METHODS)};
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};

    if (method == poll::RpcMethod::RawAddrman) {
        // In one piece and in many: the same
        poll::RawAddrmanReader whole{1'800'000'000}, pieces{1'800'000'000};
        whole.Take(text);
        for (std::size_t at{0}; at < text.size() && pieces.Take(text.substr(at, 7)); at += 7) {
        }
        const auto one{whole.Finish()}, many{pieces.Finish()};
        if (static_cast<bool>(one) != static_cast<bool>(many)) std::abort();
        if (one && (one->in_new.all.entries != many->in_new.all.entries || one->tried.all.too_old != many->tried.all.too_old ||
                    one->unreadable != many->unreadable || one->in_new.by_network.size() > poll::MAX_WORDS + 1)) {
            std::abort();
        }
        return 0;
    }
    const poll::RpcAnswer answer{poll::ReadRpcText(text, poll::MethodName(method))};
    for (const char c : answer.what) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort(); // it goes to a terminal
    }
    if (!answer) return 0;
    poll::NodeFacts facts;
    poll::Oddities odd;
    const bool read{poll::ReadResult(method, answer.result, facts, odd)};
    if (!read && odd.count != 1) std::abort();
    if (facts.peers) {
        if (facts.peers->peers.size() > poll::MAX_PEERS) std::abort();
        for (const poll::PeerFacts& peer : facts.peers->peers) {
            if (peer.subver.size() > poll::MAX_STRING || peer.permissions.size() > poll::MAX_WORDS) std::abort();
        }
    }
    return 0;
}
