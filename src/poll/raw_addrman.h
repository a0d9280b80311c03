// getrawaddrman, which may be more than 30 MB, summed up while it comes in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "poll/node_facts.h"
#include "util/result.h"

namespace coretap::poll {

/** Takes a JSON-RPC answer in pieces; keeps one entry at a time. */
class RawAddrmanReader {
    struct Impl;
    std::unique_ptr<Impl> m_impl;

public:
    /** `now_utc_s`: the time that ages are reckoned from. */
    explicit RawAddrmanReader(std::int64_t now_utc_s);
    ~RawAddrmanReader();
    RawAddrmanReader(const RawAddrmanReader&) = delete;
    RawAddrmanReader& operator=(const RawAddrmanReader&) = delete;

    /** False once it is no JSON: nothing more is wanted. */
    bool Take(std::string_view piece);
    /** After the last piece. Fails if it was not whole, not JSON, or not an answer to getrawaddrman. */
    util::Result<RawAddrmanFacts> Finish();
};

} // namespace coretap::poll
