// docs/metrics.md is the table of families behind a head that stands here: nobody types it, so it cannot disagree with what is scraped.
// CORETAP_UPDATE_GOLDEN=1 in the environment writes it anew.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sinks/metrics/family.h"

namespace coretap::sinks::metrics {
namespace {

constexpr const char* PATH{CORETAP_SOURCE_DIR "/docs/metrics.md"};

constexpr std::string_view INTRODUCTION{R"(# Metrics

<!-- Generated from the table in src/sinks/metrics/families_*.cpp by tests/unit/docs/metrics_doc_test.cpp. Do not edit: run
     CORETAP_UPDATE_GOLDEN=1 build/tests/metrics_doc_test -->

`coretap serve` gives its metrics at `/metrics`, in Prometheus' text format 0.0.4 or, to those who ask for it as Prometheus does, as OpenMetrics
1.0.0. [contrib/prometheus](../contrib/prometheus/) has a scrape configuration, recording rules and alerts, [contrib/grafana](../contrib/grafana/)
has dashboards.

```
scrape_configs:
  - job_name: coretap
    static_configs: [{targets: ['127.0.0.1:8338']}]
```

## What to rely on

* **Units** are base units and stand in the name: `_seconds`, `_bytes`, `_vbytes`, `_satoshis`, `_sat_per_vb`. Counters end in `_total`.
* **Labels are bounded.** No address, peer id, hash or process id is ever a label. Words that strangers choose (user agents, reasons) are: so many
  of each ([state.md](state.md#counts)), and `other`. They are made printable (`\xNN` for what is not, invalid UTF-8 included), cut at 80
  characters, and added up where that makes them alike.
* **Counters begin at zero** for labels known beforehand, Bitcoin Core's reasons among them, so that the first increase shows. Two exceptions: `p2p_messages` and
  `p2p_message_bytes` (direction, connection type and message type make 608 combinations, and only those that occurred are there), and words of others (user agents, reasons
  of other versions). `p2p_traffic_messages`, `p2p_traffic_bytes` and `node_events`, the sums, are there from zero: alerts should use those.
* **Counters count since coretap started**, not since the node did. They go on when the node restarts; those of RPC and log
  (`rpc_...`, `log_...`) are absent while it is down, and go on then, but for `rpc_received_bytes` and `rpc_sent_bytes`, which the node
  itself counts, from zero at each start. A node that ended is there for a day ([state.md](state.md#nodes)). A user agent's counter ends when another
  takes its place.
* **Exact**: `events_...`, and with `p2p_messages_exact` 1 also `node_events`, `p2p_messages`, `p2p_message_bytes`, `p2p_traffic_...` and `utxo_cache_added`, `_spent`, `_uncached`: they are
  counted in the kernel, and what was lost on the way to user space is in them. Payload bytes lack the transport's headers: `rpc_received_bytes` has them.
* **As good as the events**: all other counters of a node. `node_events` has the exact sum of each: `mempool_removed` over all reasons is
  `node_events{tracepoint="mempool:removed"}` less what was lost. `increase(coretap_events_lost_total[...])` says whether any are missing.
* **Bounds**: `message_handling_upper_bound_seconds` is the time from a message's firing to the next firing on the node's thread that is not of it. It is never too short but
  for the messages that `message_handling_ended_in_wait` counts, and too long by the wait for the next message, if that is below 100 ms: on a node with more than some ten
  messages a second it says how often messages come, not how long they take. `message_handling_lower_bound_seconds` is the time to the last firing that is known to be of a message. The truth
  lies between.
* **Inferred**: `addr_processed` and `addr_rate_limited` are a copy of Bitcoin Core's token bucket, without what the node knew of peers before coretap came; `addr_processed` is more than `getpeerinfo` says, which leaves out addresses without useful services and banned ones. `blocks_delivered` and the times of a block's way:
  [state.md](state.md#block-journeys).
* **Size**: some 150 KiB for a busy node with RPC, under 300 KiB when every label is at its bound (then in 1 ms). It does not grow with peers that come and go. Each list of addresses adds up to 12 KiB. Several nodes are so many times that.
* A value that is not known is absent, never 0. `_created` is left out.

Not here: peers by autonomous system one by one, what came and went among orphans, `getchaintxstats`, the validity of
blocks as debug.log has it (`debug=validation`), and Bitcoin Knots' `cpu_load`.

## Families

The label `node` is the node's name, as in `coretap log`. Names begin with `coretap_`.
)"};

std::string Section(const FamilyGroup& group)
{
    std::string out{fmt::format("\n### {}\n\n", group.title)};
    if (!group.text.empty()) out += fmt::format("{}\n\n", group.text);
    out += "| family | type | labels | what |\n|---|---|---|---|\n";
    for (const Family& family : group.families) {
        std::string labels{family.HasNode() ? "`node`" : ""};
        for (std::string_view rest{family.labels}; !rest.empty();) {
            const std::size_t comma{rest.find(',')};
            labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", rest.substr(0, comma));
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        }
        out +=
            fmt::format("| `{}{}{}` | {} | {} | {} |\n", PREFIX, family.name, family.Suffix(), ToString(family.type), labels, family.help);
    }
    return out;
}

TEST(MetricsDoc, IsTheTable)
{
    std::string rendered{INTRODUCTION};
    for (const FamilyGroup& group : FamilyGroups()) rendered += Section(group);
    if (const char* update{std::getenv("CORETAP_UPDATE_GOLDEN")}; update != nullptr && *update == '1') {
        std::ofstream file{PATH, std::ios::binary};
        file << rendered;
        ASSERT_TRUE(file.flush()) << PATH;
    }
    std::ostringstream text;
    text << std::ifstream{PATH, std::ios::binary}.rdbuf();
    EXPECT_TRUE(text.str() == rendered) << "docs/metrics.md is not what the table says. Write it anew:\n"
                                           "    CORETAP_UPDATE_GOLDEN=1 build/tests/metrics_doc_test\n"
                                           "and look at `git diff docs/metrics.md`.";
    EXPECT_EQ(rendered.find(" \n"), std::string::npos);
    EXPECT_EQ(rendered.find("\n\n\n"), std::string::npos);
}

} // namespace
} // namespace coretap::sinks::metrics
