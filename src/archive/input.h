// Bytes of a recording by offset: from a file, or from a pipe that cannot go back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::archive {

/** One thread at a time. Memory: what is looked at at once, and a read-ahead. */
class Input {
    util::Fd m_fd;
    std::string m_name;
    bool m_seekable{false};
    const std::atomic<bool>* m_stop{nullptr};
    std::vector<std::byte> m_buffer;
    std::size_t m_used{0};   //!< of the buffer
    std::uint64_t m_base{0}; //!< offset of the buffer's first byte
    std::uint64_t m_keep{0}; //!< nothing before this is asked for any more, if it is a pipe

    util::Error Failed(int error) const;
    /** As read(2); of a pipe as soon as there is something. */
    ssize_t ReadPipe(std::span<std::byte> room);

public:
    Input() = default;
    /** Takes any descriptor that is open for reading. Of a file reading begins at its start. */
    Input(util::Fd fd, std::string name);

    /** The same file, read on its own. Only of one that can be sought in. */
    util::Result<Input> Another() const;
    bool Seekable() const noexcept { return m_seekable; }
    const std::string& Name() const noexcept { return m_name; }
    /** Once `stop` is true, a pipe is not waited for any more: reading fails with ECANCELED. */
    void StopWhen(const std::atomic<bool>* stop) noexcept { m_stop = stop; }
    /** Bytes in the file now; it may grow. 0 if it cannot be sought in. */
    std::uint64_t Size() const noexcept;
    /** What is there of `size` bytes at `offset`: fewer only at the end. Valid until the next call. */
    util::Result<std::span<const std::byte>> View(std::uint64_t offset, std::size_t size);
    /** As View, for one look at few bytes of a file: no read-ahead, into `out`. Returns how many there were. */
    util::Result<std::size_t> Peek(std::uint64_t offset, std::span<std::byte> out);
    /** What is before is not needed any more. */
    void DoneBefore(std::uint64_t offset) noexcept { m_keep = offset; }
    /** Free the memory; it can be read on. */
    void Release();
};

} // namespace coretap::archive
