#include "poll/raw_addrman.h"

#include <algorithm>

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

namespace coretap::poll {
namespace {

namespace json = boost::json;

constexpr std::int64_t FUTURE_S{600};          // src/addrman.cpp: IsTerrible()
constexpr std::int64_t HORIZON_S{30 * 86'400}; // ADDRMAN_HORIZON
constexpr std::size_t MAX_NAME{64};            // of a key or value that is of interest

/** A name as a key of a map that must not grow: `*other*` once it is full. */
template <class Map>
typename Map::mapped_type& Bounded(Map& map, const std::string& name)
{
    return map.size() < MAX_WORDS || map.contains(name) ? map[name] : map["*other*"];
}

void Count(RawAddrmanFacts::Group& group, std::int64_t age_s)
{
    ++group.entries;
    if (age_s < -FUTURE_S) {
        ++group.future;
        return;
    }
    if (age_s > HORIZON_S) ++group.too_old;
    const auto bound{std::lower_bound(RawAddrmanFacts::AGE_BOUNDS_S.begin(), RawAddrmanFacts::AGE_BOUNDS_S.end(), age_s)};
    ++group.age_s[static_cast<std::size_t>(bound - RawAddrmanFacts::AGE_BOUNDS_S.begin())];
}

/** What boost::json's parser calls. Levels: 1 the answer, 2 its result, 3 a table, 4 an entry. */
struct Handler {
    // NOLINTBEGIN(readability-identifier-naming): boost::json finds them by name
    static constexpr std::size_t max_object_size{static_cast<std::size_t>(-1)};
    static constexpr std::size_t max_array_size{static_cast<std::size_t>(-1)};
    static constexpr std::size_t max_key_size{1 << 20};
    static constexpr std::size_t max_string_size{1 << 20};
    // NOLINTEND(readability-identifier-naming)

    std::int64_t now_utc_s{0};
    RawAddrmanFacts facts;
    int depth{0};
    bool in_result{false}; //!< below the answer's `result`
    bool saw_result{false}, saw_error{false};
    RawAddrmanFacts::Table* table{nullptr};
    std::string key, text;

    // of the entry that is being read
    std::optional<std::int64_t> time;
    std::string network, source_network;
    bool mapped{false};

    bool InEntry() const { return in_result && table != nullptr && depth == 4; }

    void Enter()
    {
        ++depth;
        if (depth == 2) in_result = key == "result";
        if (depth == 2 && in_result) saw_result = true;
        if (depth == 2 && key == "error") saw_error = true;
        if (depth == 3 && in_result) table = key == "new" ? &facts.in_new : key == "tried" ? &facts.tried : nullptr;
        if (InEntry()) {
            time.reset();
            network.clear();
            source_network.clear();
            mapped = false;
        }
    }
    void Leave()
    {
        if (InEntry()) {
            // A year in which bitcoin may still be around, so that no difference overflows
            if (time && *time >= 0 && *time < 1LL << 40 && !network.empty()) {
                const std::int64_t age{now_utc_s - *time};
                Count(table->all, age);
                Count(Bounded(table->by_network, network), age);
                if (!source_network.empty()) ++Bounded(table->by_source_network, source_network);
                if (mapped) ++table->mapped_as;
            } else {
                ++facts.unreadable;
            }
        }
        if (depth == 3) table = nullptr;
        if (depth == 2) in_result = false;
        --depth;
    }
    void Number(std::int64_t number)
    {
        if (!InEntry()) return;
        if (key == "time") time = number;
        if (key == "mapped_as") mapped = number != 0;
    }

    // NOLINTBEGIN(readability-identifier-naming)
    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&)
    {
        Enter();
        return true;
    }
    bool on_object_end(std::size_t, json::error_code&)
    {
        Leave();
        return true;
    }
    bool on_array_begin(json::error_code&)
    {
        key.clear(); // no table, no entry
        Enter();
        return true;
    }
    bool on_array_end(std::size_t, json::error_code&)
    {
        Leave();
        return true;
    }
    static void Append(std::string& to, json::string_view piece)
    {
        if (to.size() < MAX_NAME) to.append(piece.data(), std::min(piece.size(), MAX_NAME - to.size()));
    }
    bool fresh_key{true}, fresh_text{true};
    bool on_key_part(json::string_view piece, std::size_t, json::error_code&)
    {
        if (fresh_key) key.clear();
        fresh_key = false;
        Append(key, piece);
        return true;
    }
    bool on_key(json::string_view piece, std::size_t n, json::error_code& error)
    {
        on_key_part(piece, n, error);
        fresh_key = true;
        return true;
    }
    bool on_string_part(json::string_view piece, std::size_t, json::error_code&)
    {
        if (fresh_text) text.clear();
        fresh_text = false;
        Append(text, piece);
        return true;
    }
    bool on_string(json::string_view piece, std::size_t n, json::error_code& error)
    {
        on_string_part(piece, n, error);
        fresh_text = true;
        if (!InEntry()) return true;
        if (key == "network") network = text;
        if (key == "source_network") source_network = text;
        return true;
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, json::error_code&)
    {
        Number(number);
        return true;
    }
    bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; } // larger than any time
    bool on_double(double, json::string_view, json::error_code&) { return true; }
    bool on_bool(bool, json::error_code&) { return true; }
    bool on_null(json::error_code&) { return true; }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }
    // NOLINTEND(readability-identifier-naming)
};

} // namespace

struct RawAddrmanReader::Impl {
    json::basic_parser<Handler> parser{json::parse_options{}};
    json::error_code error;
};

RawAddrmanReader::RawAddrmanReader(std::int64_t now_utc_s) : m_impl{std::make_unique<Impl>()}
{
    m_impl->parser.handler().now_utc_s = now_utc_s;
}

RawAddrmanReader::~RawAddrmanReader() = default;

bool RawAddrmanReader::Take(std::string_view piece)
{
    if (m_impl->error) return false;
    if (m_impl->parser.done()) { // the newline that Bitcoin Core puts at the end
        if (piece.find_first_not_of(" \t\r\n") != std::string_view::npos) m_impl->error = json::error::extra_data;
        return !m_impl->error;
    }
    const std::size_t taken{m_impl->parser.write_some(true, piece.data(), piece.size(), m_impl->error)};
    if (!m_impl->error && taken < piece.size()) return Take(piece.substr(taken));
    return !m_impl->error;
}

util::Result<RawAddrmanFacts> RawAddrmanReader::Finish()
{
    const auto bad = [](std::string_view why) {
        return util::Error{util::Errc::Malformed, fmt::format("the answer to getrawaddrman cannot be read: {}", why)};
    };
    if (!m_impl->error && !m_impl->parser.done()) m_impl->parser.write_some(false, "", 0, m_impl->error);
    if (m_impl->error) return bad(m_impl->error.message());
    const Handler& handler{m_impl->parser.handler()};
    if (handler.saw_error || !handler.saw_result) return bad("it has no result");
    return handler.facts;
}

} // namespace coretap::poll
