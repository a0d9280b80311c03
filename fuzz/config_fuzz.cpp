// The configuration file: an error with a place, or tracepoints the catalogue and the kernel side can take.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto config = coretap::app::ParseConfig({reinterpret_cast<const char*>(data), size}, "c.toml");
    if (!config) {
        const std::string_view what{config.GetError().what};
        if (!what.starts_with("c.toml:")) std::abort();
        for (const char c : what) {
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
        }
        return 0;
    }
    for (const coretap::event::TracepointDef& def : config->tracepoints) {
        if (def.args.size() > CT_MAX_ARGS) std::abort();
        for (const coretap::event::ArgDef& arg : def.args) {
            if (arg.bound > CT_MAX_BYTES || arg.length_arg >= def.args.size()) std::abort();
        }
    }
    coretap::event::Catalogue catalogue;
    if (!coretap::app::AddUserTracepoints(*config, catalogue)) std::abort();
    return 0;
}
