// Follows debug.log as it grows, through rotation, truncation and absence.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "poll/log_line.h"
#include "util/fd.h"
#include "util/result.h"

namespace coretap::poll {

/** Lines of one category. */
struct LogCount {
    std::uint64_t lines{0};
    std::uint64_t warnings{0};
    std::uint64_t errors{0};
};

/** What was read since the start. */
struct LogTotals {
    bool following{false}; //!< a file is open
    std::string problem;   //!< why not; empty if it is
    std::uint64_t lines{0};
    std::uint64_t bytes{0};
    std::uint64_t cut_lines{0};     //!< longer than 64 KiB: the rest of them was not looked at
    std::uint64_t skipped_bytes{0}; //!< was too far behind
    std::uint64_t rotations{0};     //!< another file took its place
    std::uint64_t truncations{0};
    std::map<std::string_view, LogCount> categories; //!< Bitcoin Core's; empty: lines without
    std::array<std::uint64_t, LOG_LEVELS> levels{};  //!< lines by LogLevel
    std::string last_warning, last_error;            //!< at most 256 bytes; escape them where they are shown
    std::optional<std::int64_t> last_line_utc_ns{};  //!< time of the last line that has one

    std::uint64_t reconstructions{0};          //!< compact blocks put together
    std::uint64_t reconstructions_complete{0}; //!< of these: nothing had to be requested
    std::uint64_t reconstruction_prefilled{0}, reconstruction_from_mempool{0}, reconstruction_from_extra_pool{0},
        reconstruction_requested{0}, reconstruction_requested_bytes{0};
    std::uint64_t new_headers{0}, new_headers_compact{0}; //!< lines of LogNewHeader; the second: of compact blocks
    std::uint64_t tips{0};
    struct Bench {
        std::uint64_t count{0};
        double total_ms{0};
        double last_ms{0};
    };
    std::array<Bench, BENCH_STAGES> bench{}; //!< by BenchStage
};

struct LogFollowerOptions {
    /** Opens the log, wherever it is now. Called at the start, and then to see whether it is another file. */
    std::function<util::Result<util::Fd>()> open;
    /** Every line that carries a fact, a warning or an error. Its views are valid during the call. */
    std::function<void(const LogLine&)> on_line{};
    /** One sentence at each change: it cannot be read, it is back, lines were skipped. */
    std::function<void(std::string_view)> warn{};
    std::uint64_t history_bytes{0}; //!< how much of what is there at the start is read: at most 64 KiB
    std::chrono::milliseconds reopen_every{2'000};
    std::uint64_t max_behind_bytes{16 << 20}; //!< what is further behind is skipped, and counted
    LogTotals before{};                       //!< counters go on from these: CountersOf() a follower of the same log
};

/** Only what is counted, which goes on with another follower of the same log. */
LogTotals CountersOf(const LogTotals& totals);

/** One thread; Step() never waits. */
class LogFollower {
    LogFollowerOptions m_options;
    LogTotals m_totals;
    util::Fd m_file;
    dev_t m_device{0};
    ino_t m_inode{0};
    std::uint64_t m_offset{0};
    std::string m_tail;      //!< what stands before m_offset: by this a file is known that has lost its beginning
    std::string m_line;      //!< the beginning of a line whose end has not come
    bool m_skip_line{false}; //!< the rest of it is not looked at
    bool m_absent{false};    //!< there was no such file: what appears is read from its beginning
    bool m_first{true};
    bool m_said{false}; //!< the present problem
    std::chrono::steady_clock::time_point m_reopen_at{};

public:
    static constexpr std::size_t MAX_LINE{64 << 10};
    static constexpr std::uint64_t MAX_HISTORY{64 << 10};
    static constexpr std::size_t MAX_STEP{4 << 20}; //!< bytes read in one Step()

    explicit LogFollower(LogFollowerOptions options);
    /** Read what there is to read now, up to MAX_STEP. True if there is more. */
    bool Step(std::chrono::steady_clock::time_point now);
    const LogTotals& Totals() const noexcept { return m_totals; }

private:
    void Warn(std::string_view text) const;
    void Problem(std::string what);
    void Reopen();
    void Begin(util::Fd file, std::uint64_t offset, bool mid_line);
    void Truncated(std::uint64_t size);
    bool Read();
    void Take(std::string_view piece);
    void Line(std::string_view line);
    void Count(const LogLine& line);
};

} // namespace coretap::poll
