// Events as lines on a descriptor: text for people, or JSON, one object a line (event/json.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/node_names.h"
#include "pipeline/pipeline.h"
#include "sinks/log/text_format.h"
#include "util/output.h"

namespace coretap::sinks::log {

struct LogOptions {
    bool json{false};
    TextOptions text{};                //!< not used for JSON
    event::JsonOptions json_options{}; //!< not used for text
    /** Set by a signal's handler: what is there is still written, unless nobody takes it for two seconds (ETIMEDOUT). */
    const std::atomic<bool>* stop{nullptr};
};

/**
 * Writes every event of a batch before Write returns: what is on the screen is never older than a batch. Learns the
 * nodes' names from the stream, and shows them from the moment there are several. One thread; not for events it
 * should not show: filter before.
 *
 * Write fails as util::Output does: with Errc::Io and the errno, EPIPE or ENOSPC; later writes fail the same way at once.
 */
class LogSink final : public pipeline::Sink {
    LogOptions m_options;
    TextFormat m_text;
    pipeline::NodeNames m_nodes;
    util::Output m_output;
    std::uint64_t m_lines{0};

public:
    /** `fd` is borrowed and must outlive the sink. */
    LogSink(int fd, LogOptions options);

    std::string_view Name() const noexcept override { return "log"; }
    util::Result<> Write(std::span<const event::Event> batch) override;
    util::Result<> Flush() override;
    /** Lines handed to the descriptor so far. */
    std::uint64_t Lines() const noexcept { return m_lines; }
};

} // namespace coretap::sinks::log
