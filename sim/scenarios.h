// What the stand-in can do. Adding a scenario is one row of the table in scenarios.cpp.
#pragma once

#include <span>
#include <string_view>

#include "sim/options.h"
#include "sim/pacer.h"
#include "sim/probes.h"
#include "sim/stopwatch.h"

namespace coretap::sim {

struct Context {
    Probes& probes;
    const Options& options;
    Pacer& pacer;         //!< of this thread
    Stopwatch& stopwatch; //!< thread 0 starts it anew when what it fires has been made
    unsigned thread{0};   //!< 0 … threads-1
};

struct Scenario {
    std::string_view name;
    std::string_view description;
    double rate;           //!< events per second unless --rate says otherwise; 0: flat out
    bool many_threads;     //!< --threads makes sense
    void (*run)(Context&); //!< once in each thread; returns when done or when the pacer says stop
};

std::span<const Scenario> Scenarios();
/** Null if there is none of that name. */
const Scenario* FindScenario(std::string_view name);

// scenario_every.cpp, scenario_faults.cpp, scenario_load.cpp
void RunEvery(Context& context);
void RunFaults(Context& context);
void RunFirehose(Context& context);
void RunMessages(Context& context);
void RunIbd(Context& context);
void RunBurst(Context& context);

/** Peers with handshakes done, for scenarios without a model: ids from `first_id`. */
std::vector<Peer> MakePeers(Rng& rng, std::int64_t first_id, std::uint64_t count, std::int64_t connected_at);

} // namespace coretap::sim
