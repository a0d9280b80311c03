// `--log-fired`: one JSON line for each executed firing, the truth that tests compare a tracer's events with.
//
//   {"seq":0,"tid":4711,"event":"net:inbound_message","args":{"peer_id":0,"addr":"1.2.3.4:8333",…,"payload":"<hex>"}}
//
// Hashes are printed as Bitcoin Core prints them, reversed. A string or byte array that cannot be read (scenario
// `faults`) is null. Bytes of a string that are no UTF-8 become U+FFFD, control characters are escaped.
// Safe to call from many threads; lines of a thread are in the order of its firings.
#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/hash.h"
#include "util/result.h"

namespace coretap::sim {

enum class Tp : std::uint8_t;

/** `text` with quotes, escaped for JSON. */
std::string JsonString(std::string_view text);
/** Lower-case hex. */
std::string Hex(ByteView bytes);

class FireLog {
    struct FileCloser {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, FileCloser> m_file;
    std::vector<std::vector<std::string>> m_names; //!< argument names by tracepoint
    std::mutex m_mutex;
    std::uint64_t m_seq{0};

    explicit FireLog(std::FILE* file);

public:
    struct Str {
        const char* at;
    };
    struct Hash {
        const std::uint8_t* at;
    };
    struct Payload {
        const std::uint8_t* at;
        std::uint64_t size;
    };
    using Arg = std::variant<bool, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, Str, Hash, Payload>;

    /** Creates or empties the file. */
    static util::Result<std::unique_ptr<FireLog>> Open(const std::string& path);
    void Write(Tp tp, std::initializer_list<Arg> args);
};

} // namespace coretap::sim
