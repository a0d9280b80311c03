#include "poll/cookie.h"

#include "poll/rpc_client.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

namespace coretap::poll {
namespace {

using util::Errc;
using util::Error;

constexpr std::size_t MAX_COOKIE{1024};

/** As the node's files are named in its configuration: relative to the folder of its chain. */
std::string Absolute(const NodePlace& place, const std::string& name)
{
    return name.starts_with('/') ? name : fmt::format("{}/{}{}", place.datadir, ChainFolder(place.chain), name);
}

/** A file that may have another name. What the command line says, OpenNodeFile() looks up by itself. */
OpenRequest RequestOf(const NodePlace& place, NodeFile file, const std::optional<std::string>& named, bool by_command_line)
{
    OpenRequest request{place, file, {}};
    if (named && !named->empty() && !by_command_line) request.path = Absolute(place, *named);
    return request;
}

} // namespace

util::Result<Cookie> ParseCookie(std::string_view text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    const std::size_t colon{text.find(':')};
    if (text.size() > MAX_COOKIE || colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        return Error{Errc::Malformed, "the cookie file is not of the form user:password; the node may be just writing it"};
    for (const char c : text) {
        if (c < ' ' || c >= 0x7f) return Error{Errc::Malformed, "the cookie file has strange characters in it; is it one?"};
    }
    return Cookie{std::string{text.substr(0, colon)}, std::string{text.substr(colon + 1)}};
}

util::Result<std::string> ReadAll(int fd, std::size_t most)
{
    std::string text;
    char piece[4096];
    for (;;) {
        const ssize_t size{::pread(fd, piece, sizeof(piece), static_cast<off_t>(text.size()))};
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return Error{Errc::Io, fmt::format("cannot read: {}", std::strerror(errno)), errno};
        if (size == 0) return text;
        text.append(piece, static_cast<std::size_t>(size));
        if (text.size() > most) return Error{Errc::Malformed, fmt::format("larger than {} bytes", most), EFBIG};
    }
}

NodeSettings FindNodeSettings(const NodePlace& place, const OpenFunction& open)
{
    NodeSettings settings;
    settings.place = place;
    const NodeConf line{place.pid > 0 ? ParseNodeCommandLine(NodeCommandLine(place.pid)) : NodeConf{}};
    const std::string chain{place.pid > 0 ? line.chain : place.chain};

    if (auto file{open({place, NodeFile::Conf, {}})}; !file) {
        if (file.GetError().code != Errc::NotFound) settings.conf_problem = file.GetError().what;
    } else if (const auto text{ReadAll(file->Get(), MAX_CONF_BYTES)}; !text) {
        settings.conf_problem = fmt::format("bitcoin.conf: {}", text.GetError().what);
    } else if (auto conf{ParseBitcoinConf(*text, chain)}; !conf) {
        settings.conf_problem = conf.GetError().what;
    } else {
        settings.conf = std::move(*conf);
    }
    if (!chain.empty()) {
        settings.place.chain = chain;
    } else if (!settings.conf.chain.empty()) {
        settings.place.chain = settings.conf.chain;
    } else if (place.chain.empty()) {
        settings.place.chain = "main";
    }
    if (place.pid > 0 && !line.datadir && settings.conf.datadir && settings.conf.datadir->starts_with('/'))
        settings.place.datadir = *settings.conf.datadir;
    settings.conf.Override(line);
    return settings;
}

util::Result<RpcAccess> FindRpcAccess(const NodeSettings& settings, const RpcOverrides& overrides, const OpenFunction& open)
{
    const NodeConf& conf{settings.conf};
    RpcAccess access;
    if (!conf.server && !overrides.host)
        return Error{Errc::Unsupported, "the node runs with server=0, without RPC; set server=1 in its bitcoin.conf"};
    access.host = overrides.host ? *overrides.host : conf.rpcconnect.value_or("127.0.0.1");
    access.port = overrides.port ? *overrides.port : conf.rpcport.value_or(DefaultRpcPort(settings.place.chain));
    if (overrides.user || overrides.password) {
        access.user = overrides.user.value_or("");
        access.password = overrides.password.value_or("");
        access.from = "coretap's configuration";
        return access;
    }
    // As bitcoin-cli does: a password in the configuration comes first, and bitcoind makes no cookie then
    if (overrides.cookie_file.empty() && conf.rpcpassword && !conf.rpcpassword->empty()) {
        access.user = conf.rpcuser.value_or("");
        access.password = *conf.rpcpassword;
        access.from = "rpcpassword of the node";
        return access;
    }
    OpenRequest request{{0, settings.place.datadir, settings.place.chain}, NodeFile::Cookie, overrides.cookie_file};
    if (overrides.cookie_file.empty()) {
        const NodeConf line{settings.place.pid > 0 ? ParseNodeCommandLine(NodeCommandLine(settings.place.pid)) : NodeConf{}};
        request = RequestOf(settings.place, NodeFile::Cookie, conf.rpccookiefile, line.rpccookiefile.has_value());
    }
    const auto failed = [&](const Error& error) {
        std::string what{fmt::format("no RPC password: {}", error.what)};
        if (!settings.conf_problem.empty()) what += fmt::format("; and {}", settings.conf_problem);
        if (conf.includes) what += "; bitcoin.conf includes others (includeconf), which coretap does not read";
        return Error{error.code, std::move(what), error.sys_errno};
    };
    auto file{open(request)};
    if (!file) return failed(file.GetError());
    const auto text{ReadAll(file->Get(), MAX_COOKIE)};
    if (!text) return failed({text.GetError().code, fmt::format("the cookie file: {}", text.GetError().what), 0});
    auto cookie{ParseCookie(*text)};
    if (!cookie) return failed(cookie.GetError());
    access.user = std::move(cookie->user);
    access.password = std::move(cookie->password);
    access.from = "the node's cookie";
    return access;
}

util::Result<util::Fd> OpenDebugLog(const NodeSettings& settings, const OpenFunction& open)
{
    const auto& name{settings.conf.debuglogfile};
    if (name && *name == "0") return Error{Errc::Unsupported, "the node writes no debug.log (-nodebuglogfile)"};
    const NodeConf line{settings.place.pid > 0 ? ParseNodeCommandLine(NodeCommandLine(settings.place.pid)) : NodeConf{}};
    return open(RequestOf(settings.place, NodeFile::DebugLog, name, line.debuglogfile.has_value()));
}

} // namespace coretap::poll
