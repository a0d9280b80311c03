// Polls one node and follows its log as `coretap serve` does, without privileges, and prints what it gets: a JSON object a line.
//
//   poll_probe PID DATADIR    until its standard input ends
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <unistd.h>

#include "poll/log_thread.h"
#include "poll/poller.h"
#include "poll/rpc_answers.h"
#include "util/privileges.h"

using namespace coretap;
namespace json = boost::json;

namespace {

std::mutex g_output;

void Print(const json::object& object)
{
    const std::lock_guard lock{g_output};
    std::cout << json::serialize(object) << std::endl;
}

json::object ObjectOf(const poll::PeerFacts& peer)
{
    return {{"id", peer.id},
            {"addr", peer.addr},
            {"subver", peer.subver},
            {"services", json::value_from(peer.services)},
            {"inbound", json::value_from(peer.inbound)},
            {"version", json::value_from(peer.version)},
            {"conntime", json::value_from(peer.conntime_utc_s)},
            {"connection_type", peer.connection_type},
            {"transport_protocol_type", peer.transport_protocol_type},
            {"network", peer.network},
            {"minfeefilter_sat_per_kvb", json::value_from(peer.minfeefilter_sat_per_kvb)},
            {"bytessent_per_msg", json::value_from(peer.bytessent_per_msg)},
            {"bytesrecv_per_msg", json::value_from(peer.bytesrecv_per_msg)},
            {"inv_to_send", json::value_from(peer.inv_to_send)}};
}

json::object ObjectOf(const poll::NodeFacts& facts)
{
    json::object methods;
    for (std::size_t i{0}; i < poll::RPC_METHODS; ++i) {
        const poll::MethodFacts& method{facts.methods[i]};
        methods[poll::MethodName(static_cast<poll::RpcMethod>(i))] = {{"successes", method.successes},
                                                                      {"failures", method.failures},
                                                                      {"odd", method.odd_values},
                                                                      {"error", method.last_error + method.last_odd},
                                                                      {"duration_ns", method.duration_ns}};
    }
    json::object out{{"what", "facts"}, {"ok", facts.state == poll::RpcState::Ok}, {"reconnects", facts.reconnects}, {"methods", methods}};
    if (facts.peers) {
        json::array peers;
        for (const poll::PeerFacts& peer : facts.peers->peers) peers.emplace_back(ObjectOf(peer));
        out["peers"] = std::move(peers);
    }
    if (facts.blockchain) out["blocks"] = json::value_from(facts.blockchain->blocks);
    if (facts.blockchain) out["bestblockhash"] = facts.blockchain->bestblockhash;
    if (facts.blockchain) out["chain"] = facts.blockchain->chain;
    if (facts.network) out["version"] = json::value_from(facts.network->version);
    if (facts.network) out["relayfee_sat_per_kvb"] = json::value_from(facts.network->relayfee_sat_per_kvb);
    if (facts.mempool) out["maxmempool_bytes"] = json::value_from(facts.mempool->maxmempool_bytes);
    if (facts.uptime_s) out["uptime_s"] = *facts.uptime_s;
    if (facts.chain_tips) out["tips"] = facts.chain_tips->tips.size();
    if (facts.addrman) out["addrman_total"] = json::value_from(facts.addrman->networks.at("all_networks").total);
    if (facts.raw_addrman) out["raw_addrman_new"] = facts.raw_addrman->in_new.all.entries;
    if (facts.raw_addrman) out["raw_addrman_too_old"] = facts.raw_addrman->in_new.all.too_old;
    if (facts.orphans) out["orphans"] = facts.orphans->count;
    return out;
}

void PrintLine(const poll::LogLine& line)
{
    json::object out{{"what", "log"}, {"text", line.text}};
    if (const auto* tip{std::get_if<poll::LogUpdateTip>(&line.fact)}) out["tip"] = {{"hash", tip->hash}, {"height", tip->height}};
    if (const auto* built{std::get_if<poll::LogReconstruction>(&line.fact)}) {
        out["reconstruction"] = {{"hash", built->hash},
                                 {"prefilled", built->prefilled},
                                 {"requested", built->requested},
                                 {"requested_bytes", json::value_from(built->requested_bytes)}};
    }
    if (const auto* header{std::get_if<poll::LogNewHeader>(&line.fact)})
        out["header"] = {{"hash", header->hash}, {"peer", json::value_from(header->peer_id)}, {"compact", header->compact}};
    if (const auto* bench{std::get_if<poll::LogBench>(&line.fact)})
        out["bench"] = {{"stage", poll::BenchStageName(bench->stage)}, {"ms", bench->ms}};
    Print(out);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    const poll::NodePlace place{static_cast<pid_t>(std::atoi(argv[1])), argv[2], ""};
    auto started{poll::Opener::Start()};
    if (!started) return 1;
    if (const auto dropped{util::DropPrivileges(::geteuid() == 0 ? "nobody" : "-")}; !dropped) {
        std::cerr << dropped.GetError().what << '\n';
        return 1;
    }
    const auto open = [opener = std::shared_ptr{std::move(*started)}](const poll::OpenRequest& request) { return opener->Open(request); };
    const auto warn = [](std::string_view text) { Print({{"what", "warning"}, {"text", text}}); };

    poll::PollerOptions options{.place = place, .open = open, .warn = warn};
    options.intervals.fill(std::chrono::milliseconds{200});
    options.on_facts = [](const std::shared_ptr<const poll::NodeFacts>& facts) { Print(ObjectOf(*facts)); };
    const poll::Poller poller{std::move(options)};
    const poll::LogThread log{{.open = [place, open] { return poll::OpenDebugLog(poll::FindNodeSettings(place, open), open); },
                               .on_line = PrintLine,
                               .warn = warn}};
    char byte{0};
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}
