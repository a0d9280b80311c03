// Text on its way to a descriptor: collected in a buffer, written in pieces, with the same idea of a failure everywhere.
#pragma once

#include <atomic>
#include <string>

#include "util/result.h"

namespace coretap::util {

/**
 * A buffer in front of a descriptor. One thread. Append to Buffer(), call FlushIfFull() now and then, and Flush() when
 * what is there must be out.
 *
 * A write fails with Errc::Io and the errno: EPIPE when the reader has gone (`| head`; the caller ignores SIGPIPE and
 * takes it for a good end), ENOSPC when the disk is full. What could not be written is given up, and later flushes
 * fail the same way at once. A descriptor that does not block is waited for. Once `stop` is set what is there is still
 * written, unless nobody takes it for two seconds (ETIMEDOUT).
 */
class Output {
    int m_fd;
    const std::atomic<bool>* m_stop;
    std::string m_buffer;
    int m_failed{0}; //!< errno of the write that failed

public:
    /** `fd` is borrowed and must outlive this. `stop`, set by a signal's handler, may be null. */
    explicit Output(int fd, const std::atomic<bool>* stop = nullptr);

    std::string& Buffer() noexcept { return m_buffer; }
    /** Flush if a piece has come together: large batches are written in pieces, so that the buffer stays in the cache. */
    Result<> FlushIfFull();
    Result<> Flush();
};

} // namespace coretap::util
