#include "poll/bitcoin_conf.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "util/text.h"

namespace coretap::poll {
namespace {

using util::Errc;
using util::Error;

constexpr std::size_t MAX_VALUE{4096};

std::string_view Trim(std::string_view text)
{
    constexpr std::string_view BLANK{" \t\r\n"};
    const std::size_t from{text.find_first_not_of(BLANK)};
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(BLANK) - from + 1);
}

std::optional<std::uint16_t> ParsePort(std::string_view text)
{
    std::uint16_t port{0};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), port)};
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

/** Bitcoin Core's InterpretBool(): empty is true, otherwise the number, anything else 0. */
bool Truth(std::string_view value)
{
    if (value.empty()) return true;
    int number{0};
    const std::string_view digits{value.starts_with('+') ? value.substr(1) : value};
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number != 0;
}

bool IsChain(std::string_view name)
{
    return name == "main" || name == "test" || name == "testnet4" || name == "signet" || name == "regtest";
}

/** Options of one section, in order of first appearance by name. */
using Section = std::map<std::string, std::string, std::less<>>;

/** The chain that `options` choose; empty if none. */
std::string ChainOf(const Section& options)
{
    if (const auto found{options.find("chain")}; found != options.end() && IsChain(found->second)) return found->second;
    for (const auto& [option, chain] :
         {std::pair{"regtest", "regtest"}, {"signet", "signet"}, {"testnet4", "testnet4"}, {"testnet", "test"}}) {
        if (const auto found{options.find(option)}; found != options.end() && Truth(found->second)) return chain;
    }
    return {};
}

/** `options` as they are, into what they mean. A `noX` stands as `X` with the value 0. */
void Take(NodeConf& conf, const Section& options, bool with_port)
{
    const auto text = [&](std::string_view name, std::optional<std::string>& out) {
        const auto found{options.find(name)};
        if (!out && found != options.end()) out = found->second;
    };
    text("rpcuser", conf.rpcuser);
    text("rpcpassword", conf.rpcpassword);
    text("rpccookiefile", conf.rpccookiefile);
    text("debuglogfile", conf.debuglogfile);
    text("conf", conf.conf);
    text("datadir", conf.datadir);
    std::optional<std::string> port, connect;
    if (with_port) text("rpcport", port);
    if (port && !conf.rpcport) conf.rpcport = ParsePort(*port);
    text("rpcconnect", connect);
    if (const auto split{connect ? SplitHostPort(*connect) : std::nullopt}; split && !conf.rpcconnect) {
        conf.rpcconnect = split->host;
        if (!conf.rpcport) conf.rpcport = split->port;
    }
    if (options.contains("includeconf")) conf.includes = true;
}

/** `nofoo=1` is `foo=0`, as everywhere in Bitcoin Core. */
void Interpret(std::string& name, std::string& value)
{
    if (name.starts_with("no") && name.size() > 2 && name != "node") {
        name.erase(0, 2);
        value = Truth(value) ? "0" : "1";
    }
}

} // namespace

void NodeConf::Override(const NodeConf& other)
{
    const auto take = [](auto& ours, const auto& theirs) {
        if (theirs) ours = theirs;
    };
    take(rpcuser, other.rpcuser);
    take(rpcpassword, other.rpcpassword);
    take(rpccookiefile, other.rpccookiefile);
    take(rpcconnect, other.rpcconnect);
    take(rpcport, other.rpcport);
    take(debuglogfile, other.debuglogfile);
    take(conf, other.conf);
    take(datadir, other.datadir);
    server = server && other.server;
    includes = includes || other.includes;
    if (!other.chain.empty()) chain = other.chain;
}

std::optional<HostAndPort> SplitHostPort(std::string_view text)
{
    HostAndPort result;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end{text.find(']')};
        if (end == std::string_view::npos) return std::nullopt;
        result.host = text.substr(1, end - 1);
        std::string_view rest{text.substr(end + 1)};
        if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
        port = rest.empty() ? rest : rest.substr(1);
        if (!rest.empty() && port.empty()) return std::nullopt;
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        const std::size_t colon{text.find(':')};
        result.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (port.empty()) return std::nullopt;
    } else {
        result.host = text; // a name, or an IPv6 address without brackets
    }
    if (result.host.empty() || result.host.size() > 253) return std::nullopt;
    for (const char c : result.host) { // it stands in an HTTP header
        if (c <= ' ' || c >= 0x7f) return std::nullopt;
    }
    if (!port.empty() && !(result.port = ParsePort(port))) return std::nullopt;
    return result;
}

util::Result<NodeConf> ParseBitcoinConf(std::string_view text, std::string_view chain)
{
    if (text.size() > MAX_CONF_BYTES) return Error{Errc::Malformed, "bitcoin.conf is larger than 1 MiB: is it one?"};
    std::map<std::string, Section, std::less<>> sections;
    std::string prefix;
    for (std::size_t from{0}, number{1}; from < text.size(); ++number) {
        const std::size_t to{std::min(text.find('\n', from), text.size())};
        const auto refused = [&](std::string_view why) {
            return Error{Errc::Malformed, fmt::format("bitcoin.conf line {}: {}", number, why)};
        };
        std::string_view line{text.substr(from, to - from)};
        from = to + 1;
        const std::size_t hash{line.find('#')};
        line = Trim(line.substr(0, hash));
        if (line.empty()) continue;
        if (line.front() == '[' && line.back() == ']') {
            prefix = line.substr(1, line.size() - 2);
            continue;
        }
        if (line.front() == '-') return refused("options stand without leading - here");
        const std::size_t equals{line.find('=')};
        if (equals == std::string_view::npos) return refused("no = in it");
        std::string name{Trim(line.substr(0, equals))};
        std::string value{Trim(line.substr(equals + 1))};
        if (name.size() > MAX_VALUE || value.size() > MAX_VALUE) continue; // nothing we want is as long
        if (hash != std::string_view::npos && name.find("rpcpassword") != std::string::npos) {
            return refused("a # in the line of rpcpassword, which Bitcoin Core refuses");
        }
        if (!prefix.empty()) name = fmt::format("{}.{}", prefix, name);
        std::string section;
        if (const std::size_t dot{name.find('.')}; dot != std::string::npos) {
            section = name.substr(0, dot);
            name.erase(0, dot + 1);
        }
        if (!section.empty() && !IsChain(section)) continue;
        Interpret(name, value);
        sections[section].emplace(std::move(name), std::move(value)); // the first one stays
    }

    NodeConf conf;
    const Section& common{sections[""]};
    conf.chain = ChainOf(common);
    const std::string of_chain{!chain.empty() ? std::string{chain} : conf.chain.empty() ? "main" : conf.chain};
    const Section& own{sections[of_chain]};
    Take(conf, own, true);
    Take(conf, common, of_chain == "main");
    conf.conf.reset(); // bitcoind refuses it there
    for (const Section* options : {&own, &common}) {
        if (const auto found{options->find("server")}; found != options->end()) {
            conf.server = Truth(found->second);
            break;
        }
    }
    return conf;
}

NodeConf ParseNodeCommandLine(std::span<const std::string> arguments)
{
    Section options;
    for (const std::string& argument : arguments) {
        std::string_view text{argument};
        if (!text.starts_with('-') || text.size() > 2 * MAX_VALUE) continue;
        text.remove_prefix(text.starts_with("--") ? 2 : 1);
        const std::size_t equals{text.find('=')};
        std::string name{text.substr(0, equals)};
        std::string value{equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1)};
        Interpret(name, value);
        options[std::move(name)] = std::move(value);
    }
    NodeConf conf;
    Take(conf, options, true);
    conf.chain = ChainOf(options);
    if (const auto found{options.find("server")}; found != options.end()) conf.server = Truth(found->second);
    return conf;
}

} // namespace coretap::poll
