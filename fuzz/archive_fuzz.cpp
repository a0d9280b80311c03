// A recording as anybody might hand it in: through the reader of files and through a replay, from a file and from a pipe, and by
// `coretap info` and `coretap verify`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/file_reader.h"
#include "archive/format.h"
#include "archive/inspect.h"
#include "archive/replay_source.h"

using namespace coretap;

namespace {

/** What the fuzzer changed is made to pass for what was written, or it would never get past a checksum. */
std::vector<std::byte> WithChecksums(std::span<const std::byte> bytes)
{
    std::vector<std::byte> mended{bytes.begin(), bytes.end()};
    const std::span all{mended};
    for (std::size_t at{0}; at + archive::HEADER_SIZE <= all.size();) {
        const auto put = [&](std::size_t offset, std::uint64_t value) {
            for (std::size_t i{0}; i < 8; ++i) all[at + offset + i] = static_cast<std::byte>(value >> (8 * i));
        };
        std::uint32_t stored{0};
        for (std::size_t i{0}; i < 4; ++i) stored |= std::to_integer<std::uint32_t>(all[at + 24 + i]) << (8 * i);
        if (stored > all.size() - at - archive::HEADER_SIZE) break;
        put(80, archive::Checksum(all.subspan(at + archive::HEADER_SIZE, stored)));
        put(88, archive::Checksum(all.subspan(at, 88)));
        at += archive::HEADER_SIZE + stored;
    }
    return mended;
}

std::uint64_t ReadAll(util::Fd fd)
{
    auto file{archive::FileReader::FromFd(std::move(fd), "fuzz")};
    if (!file) return 0;
    std::uint64_t records{0};
    for (;;) {
        const auto step{file->Next()};
        if (!step || *step == archive::FileReader::Step::End) return records;
        if (*step != archive::FileReader::Step::Records) continue;
        if (!archive::AreRecords(file->Records(), file->Header().records)) std::abort();
        records += file->Header().records;
    }
}

void ReplayAll(const std::string& path, archive::ReplayOptions options)
{
    event::Catalogue catalogue;
    auto source{archive::ReplaySource::Open({path, path}, catalogue, options, [](const std::string& text) {
        for (const char c : text) {
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
        }
    })};
    if (!source) return;
    pipeline::Batch batch;
    std::vector<event::Event> events;
    for (;;) {
        const auto step{(*source)->Pull(batch, std::chrono::seconds{1})};
        if (!step || *step == pipeline::Source::Step::End) break;
        if (*step == pipeline::Source::Step::Idle) continue;
        if (pipeline::ParseBatch(batch, catalogue, events) + events.size() != batch.count) std::abort();
    }
    for (const auto& [id, tally] : (*source)->Losses().tallies) {
        if (tally.fired != tally.delivered + tally.Lost()) std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0 || size > 60'000) return 0; // what a pipe holds
    const bool mend{(data[size - 1] & 1) != 0};
    std::vector<std::byte> bytes;
    const auto given = std::as_bytes(std::span{data, size - 1});
    bytes = mend ? WithChecksums(given) : std::vector<std::byte>{given.begin(), given.end()};

    const util::Fd fd{::memfd_create("archive_fuzz", MFD_CLOEXEC)};
    if (!fd || ::write(fd.Get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
    const std::string path{"/proc/self/fd/" + std::to_string(fd.Get())};

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    util::Fd read_end{ends[0]};
    {
        const util::Fd write_end{ends[1]};
        if (::write(write_end.Get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
    }
    if (ReadAll(util::Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}) != ReadAll(std::move(read_end)))
        std::abort(); // a pipe gives the same
    ReplayAll(path, {});
    ReplayAll(path, {.since_utc_ns = 1'795'338'904'123'456'794, .until_utc_ns = 1'795'338'904'123'456'800});
    (void)archive::Inspect(path, false);
    (void)archive::Inspect(path, true);
    return 0;
}
