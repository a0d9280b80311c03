#include "app/recording.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>

#include <sys/random.h>
#include <unistd.h>

#include "util/text.h"

namespace coretap::app {
namespace {

std::int64_t Now(clockid_t clock)
{
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::string RandomId()
{
    std::array<std::byte, 16> bytes{};
    // before the pool is ready, at boot, it would wait: what is there will do, it need not be secret
    if (::getrandom(bytes.data(), bytes.size(), GRND_INSECURE) != static_cast<ssize_t>(bytes.size())) {
        const std::int64_t now[2]{Now(CLOCK_REALTIME), Now(CLOCK_MONOTONIC) ^ (std::int64_t{::getpid()} << 40)};
        std::copy_n(std::as_bytes(std::span{now}).begin(), bytes.size(), bytes.begin());
    }
    std::string id;
    util::AppendHex(id, bytes);
    return id;
}

std::string HostName()
{
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

} // namespace

archive::SessionInfo DescribeSession(const event::Catalogue& catalogue, const tracer::Modes& modes,
                                     const std::array<std::uint32_t, CT_MAX_MSG_TYPES>& snap, std::vector<std::string> filter)
{
    archive::SessionInfo info;
    info.session_id = RandomId();
    info.coretap_version = CORETAP_VERSION;
    info.host = HostName();
    std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, info.boot_id);
    info.started_at_utc_ns = Now(CLOCK_REALTIME);
    info.utc_offset_ns = info.started_at_utc_ns - Now(CLOCK_MONOTONIC);
    info.filter = std::move(filter);
    info.snap = snap;
    for (const event::TracepointDef* row : catalogue.Rows()) {
        const bool own{row->origin == event::Origin::Coretap};
        if (own || modes[row->id] != CT_MODE_OFF) info.tracepoints.push_back({*row, own ? std::uint8_t{CT_MODE_DELIVER} : modes[row->id]});
    }
    return info;
}

} // namespace coretap::app
