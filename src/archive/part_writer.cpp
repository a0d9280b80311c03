#include "archive/part_writer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

namespace coretap::archive {
namespace {

constexpr std::chrono::seconds PATIENCE_AT_END{2};
constexpr int WINDOW_LOG{22};
constexpr int HASH_LOG{16};

} // namespace

void Compressor::Free::operator()(void* context) const noexcept { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context)); }

Compressor::Compressor(int level) : m_context{ZSTD_createCCtx()}
{
    if (!m_context) return; // no memory: then blocks are stored as they are
    auto* const context{static_cast<ZSTD_CCtx*>(m_context.get())};
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    // Peers say the same things again and again, but not at once: level 1's own table forgets them within a block. A
    // larger one makes a recording of the stand-in's firehose a fifth smaller at the same cost (bench/README.md).
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG);
    if (level <= 1) ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, HASH_LOG);
}

std::span<const std::byte> Compressor::Encode(std::span<const std::byte> raw, Encoding& encoding)
{
    encoding = Encoding::Stored;
    if (!m_context || raw.empty()) return raw;
    const std::size_t bound{ZSTD_compressBound(raw.size())};
    if (m_out.size() < bound) m_out.resize(bound);
    const std::size_t size{ZSTD_compress2(static_cast<ZSTD_CCtx*>(m_context.get()), m_out.data(), m_out.size(), raw.data(), raw.size())};
    if (ZSTD_isError(size) != 0 || size >= raw.size()) return raw;
    encoding = Encoding::Zstd;
    return std::span<const std::byte>{m_out}.first(size);
}

PartWriter::PartWriter(util::Fd fd, std::string name, Compressor& compressor, std::uint64_t session, std::uint32_t part,
                       std::uint32_t first_number, std::function<bool()> ending)
    : m_fd{std::move(fd)},
      m_name{std::move(name)},
      m_compressor{compressor},
      m_session{session},
      m_part{part},
      m_next_number{first_number},
      m_ending{std::move(ending)}
{
    struct stat status {};
    const bool known{::fstat(m_fd.Get(), &status) == 0};
    m_seekable = known && S_ISREG(status.st_mode);
    m_is_pipe = known && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
    if (!m_seekable) return;
    const off_t start{::lseek(m_fd.Get(), 0, SEEK_END)};
    m_seekable = start >= 0;
    if (m_seekable) m_start = static_cast<std::uint64_t>(start);
}

ssize_t PartWriter::WriteSome(std::span<const std::byte> bytes)
{
    if (!m_is_pipe) return ::write(m_fd.Get(), bytes.data(), bytes.size());
    // A pipe that poll() calls writable takes PIPE_BUF bytes without blocking, whatever the descriptor's flags are.
    for (auto since{std::chrono::steady_clock::now()};;) {
        pollfd writable{m_fd.Get(), POLLOUT, 0};
        const int ready{::poll(&writable, 1, 100)};
        if (ready < 0) return -1;
        if (ready > 0) return ::write(m_fd.Get(), bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
        const auto now{std::chrono::steady_clock::now()};
        if (!m_ending()) since = now;
        if (now - since >= PATIENCE_AT_END) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

util::Result<> PartWriter::Fail(int error)
{
    m_failure = util::Error{util::Errc::Io, fmt::format("cannot write the recording {}: {}", m_name, std::strerror(error)), error};
    return *m_failure;
}

util::Result<> PartWriter::Append(const BlockHeader& header, std::span<const std::byte> stored)
{
    if (m_failure) return *m_failure;
    const auto head{EncodeHeader(header)};
    bool begun{false};
    for (std::span<const std::byte> rest : {std::span<const std::byte>{head}, stored}) {
        while (!rest.empty()) {
            const ssize_t wrote{WriteSome(rest)};
            if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (wrote <= 0) {
                const int error{wrote == 0 ? EIO : errno};
                // half a block is a torn tail to whoever reads; better to leave none
                const auto whole{static_cast<off_t>(m_start + m_size)};
                if (m_seekable && begun && ::ftruncate(m_fd.Get(), whole) == 0) (void)::lseek(m_fd.Get(), whole, SEEK_SET);
                return Fail(error);
            }
            begun = true;
            rest = rest.subspan(static_cast<std::size_t>(wrote));
        }
    }
    m_index.Add(m_size, header);
    m_size += header.BlockSize();
    ++m_next_number;
    return {};
}

util::Result<> PartWriter::Write(BlockHeader header, std::span<const std::byte> raw)
{
    if (m_failure) return *m_failure;
    const std::span<const std::byte> stored{m_compressor.Encode(raw, header.encoding)};
    header.number = m_next_number;
    header.session = m_session;
    header.part = m_part;
    header.raw_size = static_cast<std::uint32_t>(raw.size());
    header.stored_size = static_cast<std::uint32_t>(stored.size());
    header.stored_checksum = Checksum(stored);
    return Append(header, stored);
}

util::Result<> PartWriter::Close(PartEnd end)
{
    end.index = m_index.Entries();
    const std::uint64_t end_at{m_size};
    if (auto written{Write({.type = BlockType::End, .first_ns = m_size}, EncodeEnd(end))}; !written) return written;
    if (auto written{Write({.type = BlockType::Tail, .first_ns = m_size - end_at}, {})}; !written) return written;
    // Devices and pipes cannot; a file whose blocks do not reach the disk has failed.
    if (m_seekable && ::fdatasync(m_fd.Get()) != 0) return Fail(errno);
    if (::close(m_fd.Release()) != 0 && errno != EINTR) return Fail(errno);
    return {};
}

} // namespace coretap::archive
