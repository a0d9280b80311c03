// Runs coretap-sim in this process, for tests that look at what it fires.
#pragma once

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "sim/sim_main.h"

namespace coretap::sim {

struct Outcome {
    int exit_code;
    std::string out, err;
    std::vector<std::string> lines; //!< of the log, without the thread id
    std::string Event(std::size_t i) const { return Field(lines[i], "event"); }
    static std::string Field(const std::string& line, const std::string& name)
    {
        const std::string key{"\"" + name + "\":"};
        const std::size_t at{line.find(key)};
        if (at == std::string::npos) return {};
        const std::size_t from{at + key.size()};
        const bool text{line[from] == '"'};
        return text ? line.substr(from + 1, line.find('"', from + 1) - from - 1) : line.substr(from, line.find_first_of(",}", from) - from);
    }
};

/** Its semaphores are raised, so that all of it executes. */
inline Outcome RunSim(std::vector<std::string_view> args)
{
    const auto log = std::filesystem::temp_directory_path() / ("sim_unit_test." + std::to_string(::getpid()) + ".jsonl");
    const std::string log_path{log.string()};
    args.insert(args.end(), {"--force-active", "--log-fired", log_path});
    std::ostringstream out, err;
    Outcome outcome{Main(args, out, err), out.str(), err.str(), {}};
    static const std::regex TID{R"re("tid":\d+,)re"};
    std::ifstream file{log};
    for (std::string line; std::getline(file, line);) {
        const std::size_t head{std::min<std::size_t>(line.size(), 80)};
        outcome.lines.push_back(std::regex_replace(line.substr(0, head), TID, "") + line.substr(head));
    }
    std::filesystem::remove(log);
    return outcome;
}

} // namespace coretap::sim
