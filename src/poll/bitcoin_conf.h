// What bitcoin.conf and the node's command line say about its RPC server and its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "util/result.h"

namespace coretap::poll {

/** Only what coretap needs; empty: not said there. The names are those of the options. */
struct NodeConf {
    std::optional<std::string> rpcuser;
    std::optional<std::string> rpcpassword;
    std::optional<std::string> rpccookiefile; //!< relative ones are below the chain's folder
    std::optional<std::string> rpcconnect;    //!< without its port
    std::optional<std::uint16_t> rpcport;
    std::optional<std::string> debuglogfile; //!< relative ones are below the chain's folder
    std::optional<std::string> conf;         //!< command line only
    std::optional<std::string> datadir;
    bool server{true};    //!< bitcoind's own default
    bool includes{false}; //!< has includeconf=, which is not followed
    std::string chain;    //!< main, test, testnet4, signet, regtest; empty: not said there

    /** Take what `other` says; ours stays where it says nothing. */
    void Override(const NodeConf& other);
};

inline constexpr std::size_t MAX_CONF_BYTES{1 << 20};

/**
 * Read a bitcoin.conf for one chain (empty: the one it chooses itself, else main). As Bitcoin Core's src/common/config.cpp and
 * src/common/args.cpp do: the chain's section before the lines without one, the first of several lines before the later ones, and
 * rpcport of other chains than main only from their section. Lines Bitcoin Core would refuse are an error with their number.
 */
util::Result<NodeConf> ParseBitcoinConf(std::string_view text, std::string_view chain);

/** The same of a command line, without the program's name. The last of several counts. Never fails: what is strange is skipped. */
NodeConf ParseNodeCommandLine(std::span<const std::string> arguments);

/** `HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` taken apart; nothing if it is none. */
struct HostAndPort {
    std::string host;
    std::optional<std::uint16_t> port;
};
std::optional<HostAndPort> SplitHostPort(std::string_view text);

} // namespace coretap::poll
