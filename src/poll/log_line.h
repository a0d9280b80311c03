// One line of debug.log. The forms, with the file of Bitcoin Core that writes each, stand in docs/poll.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace coretap::poll {

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warning, Error };
inline constexpr std::size_t LOG_LEVELS{5};

/** A compact block was put together (-debug=cmpctblock). Hashes here are 64 hex digits, as Bitcoin Core prints them. */
struct LogReconstruction {
    std::string hash;
    std::uint64_t prefilled{0};
    std::uint64_t from_mempool{0};    //!< includes from_extra_pool
    std::uint64_t from_extra_pool{0}; //!< at least
    std::uint64_t requested{0};
    std::optional<std::uint64_t> requested_bytes{}; //!< since v30
};
/** A compact block came (-debug=cmpctblock). */
struct LogCompactBlock {
    std::string hash;
    std::uint64_t bytes{0};
};
/** The chain has a new tip. Always logged. */
struct LogUpdateTip {
    std::string hash;
    std::int64_t height{0};
    std::uint64_t transactions{0}; //!< of the whole chain
    double progress{0};
    double cache_mib{0};
    std::uint64_t cache_coins{0};
    bool background{false}; //!< of the chainstate that an assumeutxo snapshot is checked with
    bool warning{false};    //!< the node warns at the end of the line
};
/**
 * A new header came. Always logged, but not during initial block download. v25 to v29 write two lines for a compact block: one with its
 * height, one with its peer.
 */
struct LogNewHeader {
    std::string hash;
    std::optional<std::int64_t> height{};
    std::optional<std::int64_t> peer_id{};
    bool compact{false}; //!< came by cmpctblock
};
enum class BenchStage : std::uint8_t {
    ConnectBlock, //!< all of a block: the stages below with two spaces, and what is between
    LoadBlock,    //!< from disk
    ConnectTotal, //!< ConnectBlock() of Bitcoin Core: the stages with four and more spaces
    Flush,
    WriteChainstate,
    ConnectPostprocess,
    SanityChecks,
    ForkChecks,
    ConnectTransactions,
    VerifyInputs, //!< includes ConnectTransactions
    WriteUndo,
    IndexWriting,
    Callbacks, //!< old versions
    DisconnectBlock,
};
inline constexpr std::size_t BENCH_STAGES{14};
/** `Connect block`, `Verify`, ...: as the line has it. */
std::string_view BenchStageName(BenchStage stage);
/** How long a stage of connecting a block took (-debug=bench). */
struct LogBench {
    BenchStage stage{BenchStage::ConnectBlock};
    double ms{0};
    std::optional<std::uint64_t> count{}; //!< transactions of ConnectTransactions, inputs of VerifyInputs
};

using LogFact = std::variant<std::monostate, LogReconstruction, LogCompactBlock, LogUpdateTip, LogNewHeader, LogBench>;

struct LogLine {
    std::optional<std::int64_t> utc_ns{}; //!< the line's own time: whole seconds unless -logtimemicros
    std::string_view category;            //!< one of Bitcoin Core's, as `net`; empty: none, or not known. Lives as long as the program
    LogLevel level{LogLevel::Info};
    std::string_view text; //!< what comes after time, thread, place, category: of the line itself
    LogFact fact;
};

/** Read a line, without its end. Anything is a line; what is none of the above has no fact. */
LogLine ParseLogLine(std::string_view line);

} // namespace coretap::poll
