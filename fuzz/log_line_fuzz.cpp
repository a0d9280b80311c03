// debug.log: any bytes, in pieces as they come; facts are what the line says, and lines are bounded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "poll/log_follower.h"

using namespace coretap;

namespace {

void Check(const poll::LogLine& line)
{
    if (line.text.size() > poll::LogFollower::MAX_LINE) std::abort();
    const std::string* hash{nullptr};
    if (const auto* built{std::get_if<poll::LogReconstruction>(&line.fact)}) hash = &built->hash;
    if (const auto* tip{std::get_if<poll::LogUpdateTip>(&line.fact)}) hash = &tip->hash;
    if (const auto* header{std::get_if<poll::LogNewHeader>(&line.fact)}) hash = &header->hash;
    if (hash != nullptr && (hash->size() != 64 || line.text.find(*hash) == std::string_view::npos)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    Check(poll::ParseLogLine(text.substr(0, poll::LogFollower::MAX_LINE)));

    // Once as a whole, once in two pieces: the same lines
    std::uint64_t lines[2]{}, facts[2]{};
    for (int round{0}; round < 2; ++round) {
        const util::Fd file{::memfd_create("log", MFD_CLOEXEC)};
        poll::LogFollower follower{{.open = [&]() -> util::Result<util::Fd> { return util::Fd{::dup(file.Get())}; },
                                    .on_line =
                                        [&](const poll::LogLine& line) {
                                            Check(line);
                                            ++facts[round];
                                        }}};
        const auto now{std::chrono::steady_clock::now()};
        follower.Step(now);
        const std::size_t first{round == 0 ? size : size / 2};
        if (::write(file.Get(), text.data(), first) != static_cast<ssize_t>(first)) std::abort();
        while (follower.Step(now)) {
        }
        if (::write(file.Get(), text.data() + first, size - first) != static_cast<ssize_t>(size - first)) std::abort();
        while (follower.Step(now)) {
        }
        if (follower.Totals().bytes != size || follower.Totals().categories.size() > 40) std::abort();
        lines[round] = follower.Totals().lines;
    }
    if (lines[0] != lines[1] || facts[0] != facts[1]) std::abort();
    return 0;
}
