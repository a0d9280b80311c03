#include "cli/session_filter.h"

#include "app/option_values.h"

namespace coretap::cli {

util::Result<pipeline::FilterSpec> ParseFilter(const SessionOptions& options, const app::Config& config)
{
    pipeline::FilterSpec spec;
    if (options.only.empty()) spec.only = config.only;
    const std::pair<const std::vector<std::string>*, util::Result<> (*)(std::string_view, pipeline::FilterSpec&)> kinds[]{
        {&options.only, pipeline::ParseOnly},
        {&options.peers, pipeline::ParsePeers},
        {&options.msg_types, pipeline::ParseMessageTypes},
        {&options.directions, pipeline::ParseDirection},
        {&options.conn_types, pipeline::ParseConnectionTypes},
        {&options.nodes, pipeline::ParseNodes},
    };
    for (const auto& [values, parse] : kinds) {
        for (const std::string& value : *values) {
            if (const auto parsed{parse(value, spec)}; !parsed) return parsed.GetError();
        }
    }
    return spec;
}

std::vector<std::string> FilterWords(const SessionOptions& options)
{
    std::vector<std::string> words;
    const std::pair<const char*, const std::vector<std::string>*> kinds[]{
        {"--only", &options.only},
        {"--enable", &options.enable},
        {"--count-only", &options.count_only},
        {"--peer", &options.peers},
        {"--msg", &options.msg_types},
        {"--direction", &options.directions},
        {"--conn-type", &options.conn_types},
        {"--node", &options.nodes},
    };
    for (const auto& [flag, values] : kinds) {
        for (const std::string& value : *values) words.insert(words.end(), {flag, value});
    }
    if (!options.payload.empty() && options.from.empty()) words.insert(words.end(), {"--payload", options.payload});
    return words;
}

std::vector<std::string> SplitNames(const std::vector<std::string>& lists)
{
    std::vector<std::string> names;
    for (const std::string& list : lists) {
        const auto parts{app::Split(list, ',')};
        names.insert(names.end(), parts.begin(), parts.end());
    }
    return names;
}

} // namespace coretap::cli
