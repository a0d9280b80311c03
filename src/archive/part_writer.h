// Writes blocks to one part. Used by the recorder's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/format.h"
#include "archive/part_index.h"
#include "util/fd.h"
#include "util/result.h"

namespace coretap::archive {

/** Compresses with one context that is kept: making one costs more than a small block. */
class Compressor {
    struct Free {
        void operator()(void* context) const noexcept;
    };
    std::unique_ptr<void, Free> m_context;
    std::vector<std::byte> m_out;

public:
    explicit Compressor(int level);
    /** The stored form: compressed, or `raw` itself where that is smaller. Valid until the next call. */
    std::span<const std::byte> Encode(std::span<const std::byte> raw, Encoding& encoding);
};

/**
 * Appends blocks. What fails to be written whole is cut off again where the file allows it, so that what was there stays clean; after
 * a failure every call gives the same error.
 */
class PartWriter {
    util::Fd m_fd;
    std::string m_name;
    Compressor& m_compressor;
    std::uint64_t m_session{0};
    std::uint32_t m_part{1};
    std::uint32_t m_next_number{0};
    std::uint64_t m_size{0};  //!< bytes of this part
    std::uint64_t m_start{0}; //!< of the part in the file: a shell may have appended to something
    bool m_seekable{false};
    IndexBuilder m_index;
    bool m_is_pipe{false};
    std::function<bool()> m_ending;
    std::optional<util::Error> m_failure;

    /** As write(2) on the first of `bytes`; a pipe is not waited for for ever once the recording is ending. */
    ssize_t WriteSome(std::span<const std::byte> bytes);
    util::Result<> Fail(int error);
    util::Result<> Append(const BlockHeader& header, std::span<const std::byte> stored);

public:
    /** Once `ending` says true, a pipe that nobody reads from is given up after two seconds. */
    PartWriter(util::Fd fd, std::string name, Compressor& compressor, std::uint64_t session, std::uint32_t part, std::uint32_t first_number,
               std::function<bool()> ending);

    /** Fills in what the header says of encoding, sizes, number, session, part. */
    util::Result<> Write(BlockHeader header, std::span<const std::byte> raw);
    /** Writes End and Tail, has it all reach the disk, closes. The index is added here. */
    util::Result<> Close(PartEnd end);

    std::uint64_t Size() const noexcept { return m_size; }
    std::uint32_t NextNumber() const noexcept { return m_next_number; }
};

} // namespace coretap::archive
