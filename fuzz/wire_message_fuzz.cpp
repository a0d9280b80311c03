// Payloads of every message type, whole and cut: whatever the bytes, what is decoded lies within them, is no more than they
// justify, and written back is what was read. Everything is walked: ranges, ids, the text of addresses.
//
// Input: a byte for the type, two for how many bytes were cut off behind the payload, one for where to cut it once more.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/wire/walk.h"

namespace {

using namespace coretap::wire;

void Check(MessageType type, ByteView captured, std::uint64_t size)
{
    const std::string_view complaint{Complaint(type, captured, size)};
    if (complaint.empty()) return;
    std::fprintf(stderr, "%s: %.*s\n", MessageTypeNames()[static_cast<std::size_t>(type)].data(), static_cast<int>(complaint.size()),
                 complaint.data());
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::size_t HEAD{4};
    if (size < HEAD) return 0;
    const auto type = static_cast<MessageType>(data[0] % MESSAGE_TYPE_COUNT);
    // A copy of its own, so that a sanitizer sees what is read behind its end.
    const Buffer copy{reinterpret_cast<const std::byte*>(data) + HEAD, reinterpret_cast<const std::byte*>(data) + size};
    const ByteView payload{copy};
    const std::uint64_t whole_size{payload.size() + data[1] + (std::uint64_t{data[2]} << 8)};
    Check(type, payload, whole_size);

    const Buffer part_copy{copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(payload.size() * data[3] / 256)};
    Check(type, part_copy, whole_size);
    // Less of a message never leads to another judgement, only to none.
    const Decoded all{Decode(type, payload, whole_size)}, part{Decode(type, part_copy, whole_size)};
    if (part.status == Status::Cut) return 0;
    if (part.status != all.status || part.problem != all.problem || part.problem_at != all.problem_at || part.trailing != all.trailing ||
        part.limit_exceeded != all.limit_exceeded) {
        std::abort();
    }
    return 0;
}
