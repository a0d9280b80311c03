// bitcoin.conf, a command line, a cookie: an error in words, or values that may be used as they are.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "poll/bitcoin_conf.h"
#include "poll/cookie.h"

using namespace coretap;

namespace {

void Check(const poll::NodeConf& conf)
{
    if (conf.rpcport && *conf.rpcport == 0) std::abort();
    if (conf.rpcconnect) {
        if (conf.rpcconnect->empty()) std::abort();
        for (const char c : *conf.rpcconnect) {
            if (c <= ' ' || c >= 0x7f) std::abort(); // it stands in an HTTP header
        }
    }
    if (!conf.chain.empty() && conf.chain.find_first_of("/.") != std::string::npos) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const std::string_view chain : {"", "main", "regtest"}) {
        const auto conf{poll::ParseBitcoinConf(text, chain)};
        if (conf) {
            Check(*conf);
        } else {
            for (const char c : conf.GetError().what) {
                if (c < ' ' || c >= 0x7f) std::abort(); // nothing of the file is in it
            }
        }
    }
    std::vector<std::string> arguments;
    for (std::size_t from{0}; from <= size;) {
        const std::size_t to{std::min(text.find('\n', from), size)};
        arguments.emplace_back(text.substr(from, to - from));
        from = to + 1;
    }
    Check(poll::ParseNodeCommandLine(arguments));
    if (const auto cookie{poll::ParseCookie(text)}; cookie && (cookie->user.empty() || cookie->password.empty())) std::abort();
    return 0;
}
