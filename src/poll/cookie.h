// Where a node's RPC server is and what opens it: from its command line, bitcoin.conf and the cookie.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "poll/bitcoin_conf.h"
#include "poll/opener.h"
#include "util/result.h"

namespace coretap::poll {

/** The password Bitcoin Core makes at each start and leaves in a file. */
struct Cookie {
    std::string user;
    std::string password;
};
/** `__cookie__:0123...`, without anything after it. */
util::Result<Cookie> ParseCookie(std::string_view text);

/** Up to `most` bytes of a file from its start; longer ones fail. */
util::Result<std::string> ReadAll(int fd, std::size_t most);

/** A node as its command line and configuration file set it up. */
struct NodeSettings {
    NodePlace place; //!< with the chain and the data directory these say
    NodeConf conf;
    std::string conf_problem; //!< why bitcoin.conf was not read; empty if it was, or there is none
};
/** Never fails: without configuration file the defaults hold. An empty `place.chain` is found out. */
NodeSettings FindNodeSettings(const NodePlace& place, const OpenFunction& open);

/** What the user said about the RPC, before all else. */
struct RpcOverrides {
    std::optional<std::string> host{};
    std::optional<std::uint16_t> port{};
    std::optional<std::string> user{};
    std::optional<std::string> password{};
    std::string cookie_file{}; //!< absolute, a path of ours

    bool operator==(const RpcOverrides&) const = default;
};

struct RpcAccess {
    std::string host{"127.0.0.1"};
    std::uint16_t port{8332};
    std::string user;
    std::string password;
    std::string from; //!< where the password is from, for messages
    friend bool operator==(const RpcAccess&, const RpcAccess&) = default;
};
/** Read anew at every call: the cookie changes whenever the node starts. */
util::Result<RpcAccess> FindRpcAccess(const NodeSettings& settings, const RpcOverrides& overrides, const OpenFunction& open);

/** debug.log, wherever the settings put it. */
util::Result<util::Fd> OpenDebugLog(const NodeSettings& settings, const OpenFunction& open);

} // namespace coretap::poll
