// Filters and policies from the command line, one value a line, against one event of every tracepoint.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "app/payload_policy.h"
#include "pipeline/filter.h"
#include "util/time.h"

using namespace coretap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const event::Catalogue CATALOGUE;
    static constexpr auto PARSERS = {pipeline::ParseOnly,      pipeline::ParsePeers,           pipeline::ParseMessageTypes,
                                     pipeline::ParseDirection, pipeline::ParseConnectionTypes, pipeline::ParseNodes};
    std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto next_line = [&text] {
        const std::string_view line{text.substr(0, text.find('\n'))};
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        return line;
    };

    if (const auto policy = app::ParsePayloadPolicy(next_line())) {
        for (const std::uint32_t snap : policy->snap) {
            if (snap > CT_MAX_PAYLOAD) std::abort();
        }
    }
    if (const auto duration = util::ParseDuration(next_line()); duration && duration->count() < 0) std::abort();
    static_cast<void>(util::ParseSize(next_line()));

    pipeline::FilterSpec spec;
    for (const auto parse : PARSERS) {
        const std::string_view line{next_line()};
        if (line.empty()) continue;
        if (!parse(line, spec)) return 0;
    }
    const auto filter = pipeline::Filter::Make(spec, CATALOGUE);
    if (!filter) return 0;
    for (const event::TracepointDef* def : CATALOGUE.Rows()) {
        std::vector<std::byte> record;
        event::RecordBuilder builder{record, def->id, def->args.size(), 1, 1234, 1};
        for (const event::ArgDef& arg : def->args) {
            if (arg.type == event::ArgType::String) {
                builder.Str("inbound");
            } else if (arg.type == event::ArgType::Hash || arg.type == event::ArgType::Bytes) {
                builder.Bytes({});
            } else {
                builder.Int(1);
            }
        }
        const auto event = event::ParseRecord(builder.Finish(), CATALOGUE, 0);
        if (!event) std::abort();
        if (filter->Matches(*event, "main") && !filter->WantsTracepoint(*def)) std::abort();
    }
    return 0;
}
