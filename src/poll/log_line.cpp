#include "poll/log_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "util/time.h"

namespace coretap::poll {
namespace {

// Those of src/logging.cpp, and of earlier versions
constexpr std::array<std::string_view, 34> CATEGORIES{"net",
                                                      "tor",
                                                      "mempool",
                                                      "http",
                                                      "bench",
                                                      "zmq",
                                                      "walletdb",
                                                      "rpc",
                                                      "estimatefee",
                                                      "addrman",
                                                      "selectcoins",
                                                      "reindex",
                                                      "cmpctblock",
                                                      "rand",
                                                      "prune",
                                                      "proxy",
                                                      "mempoolrej",
                                                      "libevent",
                                                      "coindb",
                                                      "qt",
                                                      "leveldb",
                                                      "validation",
                                                      "i2p",
                                                      "ipc",
                                                      "lock",
                                                      "util",
                                                      "blockstore",
                                                      "blockstorage",
                                                      "txreconciliation",
                                                      "scan",
                                                      "txpackages",
                                                      "kernel",
                                                      "privatebroadcast",
                                                      "db"};
constexpr std::array<std::string_view, LOG_LEVELS> LEVELS{"trace", "debug", "info", "warning", "error"};

struct Stage {
    BenchStage stage;
    std::string_view name;
    std::string_view head;   //!< the line up to the count or the duration
    std::string_view middle; //!< between count and duration; empty: there is no count
};
constexpr std::array<Stage, BENCH_STAGES> STAGES{{
    {BenchStage::ConnectBlock, "Connect block", "- Connect block: ", ""},
    {BenchStage::LoadBlock, "Load block from disk", "  - Load block from disk: ", ""},
    {BenchStage::ConnectTotal, "Connect total", "  - Connect total: ", ""},
    {BenchStage::Flush, "Flush", "  - Flush: ", ""},
    {BenchStage::WriteChainstate, "Writing chainstate", "  - Writing chainstate: ", ""},
    {BenchStage::ConnectPostprocess, "Connect postprocess", "  - Connect postprocess: ", ""},
    {BenchStage::SanityChecks, "Sanity checks", "    - Sanity checks: ", ""},
    {BenchStage::ForkChecks, "Fork checks", "    - Fork checks: ", ""},
    {BenchStage::ConnectTransactions, "Connect transactions", "      - Connect ", " transactions: "},
    {BenchStage::VerifyInputs, "Verify", "    - Verify ", " txins: "},
    {BenchStage::WriteUndo, "Write undo data", "    - Write undo data: ", ""},
    {BenchStage::IndexWriting, "Index writing", "    - Index writing: ", ""},
    {BenchStage::Callbacks, "Callbacks", "    - Callbacks: ", ""},
    {BenchStage::DisconnectBlock, "Disconnect block", "- Disconnect block: ", ""},
}};

/** Takes a line apart from the left. Every step says whether it went. */
class Cursor {
    std::string_view m_rest;

public:
    explicit Cursor(std::string_view text) : m_rest{text} {}
    std::string_view Rest() const { return m_rest; }
    bool Text(std::string_view text)
    {
        if (!m_rest.starts_with(text)) return false;
        m_rest.remove_prefix(text.size());
        return true;
    }
    template <class T>
    bool Number(T& out)
    {
        const auto [end, error]{std::from_chars(m_rest.data(), m_rest.data() + m_rest.size(), out)};
        if (error != std::errc{}) return false;
        if constexpr (std::is_floating_point_v<T>) {
            if (!std::isfinite(out)) return false;
        }
        m_rest.remove_prefix(static_cast<std::size_t>(end - m_rest.data()));
        return true;
    }
    bool Hash(std::string& out)
    {
        constexpr std::size_t DIGITS{64};
        if (m_rest.size() < DIGITS) return false;
        const std::string_view hash{m_rest.substr(0, DIGITS)};
        if (hash.find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
        out = hash;
        m_rest.remove_prefix(DIGITS);
        return true;
    }
    bool After(std::string_view text)
    {
        const std::size_t at{m_rest.find(text)};
        if (at == std::string_view::npos) return false;
        m_rest.remove_prefix(at + text.size());
        return true;
    }
};

bool Read(Cursor in, LogReconstruction& out)
{
    if (!in.Text("Successfully reconstructed block ") || !in.Hash(out.hash) || !in.Text(" with ") || !in.Number(out.prefilled) ||
        !in.Text(" txn prefilled, ") || !in.Number(out.from_mempool) || !in.Text(" txn from mempool (incl at least ") ||
        !in.Number(out.from_extra_pool) || !in.Text(" from extra pool) and ") || !in.Number(out.requested) || !in.Text(" txn ")) {
        return false;
    }
    std::uint64_t bytes{0};
    if (in.Text("(") && in.Number(bytes) && in.Text(" bytes) ")) out.requested_bytes = bytes;
    return in.Text("requested");
}

bool Read(Cursor in, LogCompactBlock& out)
{
    return in.Text("Initializing PartiallyDownloadedBlock for block ") && in.Hash(out.hash) && in.Text(" using a cmpctblock of ") &&
           in.Number(out.bytes) && in.Text(" bytes");
}

bool Read(Cursor in, LogUpdateTip& out)
{
    out.background = in.Text("[background validation] ");
    if (!in.Text("UpdateTip: new best=") || !in.Hash(out.hash) || !in.Text(" height=") || !in.Number(out.height) || !in.After(" tx=") ||
        !in.Number(out.transactions) || !in.After(" progress=") || !in.Number(out.progress) || !in.Text(" cache=") ||
        !in.Number(out.cache_mib) || !in.Text("MiB(") || !in.Number(out.cache_coins)) {
        return false;
    }
    if (!in.Text("txo)") && !in.Text("tx)")) return false; // until v0.14 it counted transactions
    out.warning = in.Text(" warning=");
    return true;
}

bool Read(Cursor in, LogNewHeader& out)
{
    if (!in.Text("Saw new ")) return false;
    out.compact = in.Text("cmpctblock ");
    if (!in.Text("header hash=") || !in.Hash(out.hash)) return false;
    std::int64_t number{0};
    if (in.Text(" height=")) {
        if (!in.Number(number)) return false;
        out.height = number;
    }
    if (in.Text(" peer=")) {
        if (!in.Number(number)) return false;
        out.peer_id = number;
    }
    return out.height || out.peer_id;
}

bool Read(const Cursor& line, LogBench& out)
{
    for (const Stage& stage : STAGES) {
        Cursor in{line};
        std::uint64_t count{0};
        if (!in.Text(stage.head)) continue;
        if (!stage.middle.empty() && (!in.Number(count) || !in.Text(stage.middle))) continue;
        if (!in.Number(out.ms) || !in.Text("ms")) continue;
        out.stage = stage.stage;
        if (!stage.middle.empty()) out.count = count;
        return true;
    }
    return false;
}

template <class Fact>
bool Try(const Cursor& in, LogFact& fact)
{
    Fact found;
    if (!Read(in, found)) return false;
    fact = std::move(found);
    return true;
}

/** The line's time, if it begins with one: `2026-11-26T01:05:08Z `, with six digits of a fraction, or `2017-01-01 00:00:00 `. */
std::optional<std::int64_t> TakeTime(Cursor& in)
{
    const std::string_view line{in.Rest()};
    if (line.size() < 20 || line[4] != '-' || line[7] != '-' || (line[10] != 'T' && line[10] != ' ')) return std::nullopt;
    const std::size_t end{line.find(' ', 11)};
    if (end > 30) return std::nullopt; // npos is, too
    const auto time{util::ParseUtc(line.substr(0, end))};
    if (!time) return std::nullopt;
    in.Text(line.substr(0, end + 1));
    if (in.Text("(mocktime: ")) in.After(") ");
    return *time;
}

/** What stands in brackets before the text: thread, place in the source, category and level, in this order, each only if asked for. */
void TakeBrackets(Cursor& in, LogLine& out)
{
    for (int i{0}; i < 4 && in.Rest().starts_with('['); ++i) {
        const std::string_view rest{in.Rest()};
        const std::size_t end{rest.find("] ")};
        if (end == std::string_view::npos) return;
        const std::string_view token{rest.substr(1, end - 1)};
        if (token.empty() || token.find(' ') != std::string_view::npos) return; // the text begins with a bracket
        const std::size_t colon{token.find(':')};
        const std::string_view first{token.substr(0, colon)};
        const std::string_view second{colon == std::string_view::npos ? std::string_view{} : token.substr(colon + 1)};
        const auto category{std::find(CATEGORIES.begin(), CATEGORIES.end(), first)};
        const auto level{std::find(LEVELS.begin(), LEVELS.end(), second.empty() ? first : second)};
        // A thread may have a category's name (`net`): the last one counts, and it comes last
        if (category != CATEGORIES.end()) {
            out.category = *category;
            out.level = LogLevel::Debug;
        }
        if (level != LEVELS.end()) out.level = static_cast<LogLevel>(level - LEVELS.begin());
        in.Text(rest.substr(0, end + 2));
    }
}

} // namespace

std::string_view BenchStageName(BenchStage stage) { return STAGES[static_cast<std::size_t>(stage)].name; }

LogLine ParseLogLine(std::string_view line)
{
    LogLine out;
    if (line.ends_with('\r')) line.remove_suffix(1);
    Cursor in{line};
    out.utc_ns = TakeTime(in);
    TakeBrackets(in, out);
    out.text = in.Rest();
    // Before there were levels (v25), and where the text says it still
    if (out.level == LogLevel::Info) {
        if (out.text.starts_with("ERROR:") || out.text.starts_with("Error:")) out.level = LogLevel::Error;
        if (out.text.starts_with("WARNING:") || out.text.starts_with("Warning:")) out.level = LogLevel::Warning;
    }
    (void)(Try<LogUpdateTip>(in, out.fact) || Try<LogReconstruction>(in, out.fact) || Try<LogCompactBlock>(in, out.fact) ||
           Try<LogNewHeader>(in, out.fact) || Try<LogBench>(in, out.fact));
    return out;
}

} // namespace coretap::poll
