#include "event/message_names.h"

#include "util/text.h"

namespace coretap::event {

void AppendServiceName(std::string& out, unsigned bit)
{
    switch (bit) {
    case 0: out += "NETWORK"; return;
    case 2: out += "BLOOM"; return;
    case 3: out += "WITNESS"; return;
    case 6: out += "COMPACT_FILTERS"; return;
    case 10: out += "NETWORK_LIMITED"; return;
    case 11: out += "P2P_V2"; return;
    default: break;
    }
    out += "UNKNOWN[2^";
    util::AppendNumber(out, std::uint64_t{bit});
    out += ']';
}

std::string_view FilterTypeName(std::uint8_t type) { return type == 0 ? "basic" : std::string_view{}; }

std::string_view RejectCodeName(std::uint8_t code)
{
    switch (code) {
    case 0x01: return "malformed";
    case 0x10: return "invalid";
    case 0x11: return "obsolete";
    case 0x12: return "duplicate";
    case 0x40: return "nonstandard";
    case 0x41: return "dust";
    case 0x42: return "insufficient_fee";
    case 0x43: return "checkpoint";
    default: return {};
    }
}

} // namespace coretap::event
