// Opening a node's files, which are seldom readable for the account coretap runs as.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::poll {

/** Where a node keeps its files. */
struct NodePlace {
    pid_t pid{0};              //!< 0: not a process here, or not to be looked at; then `datadir` is a path of ours
    std::string datadir;       //!< absolute, in the node's own mount namespace
    std::string chain{"main"}; //!< main, test, testnet4, signet, regtest
};

enum class NodeFile : std::uint8_t { Conf, Cookie, DebugLog };

/** Folder of a chain below the data directory, with a slash at its end; empty for main. */
std::string ChainFolder(std::string_view chain);

/** The arguments of a process without its name; empty if they cannot be read. The first 64 KiB. */
std::vector<std::string> NodeCommandLine(pid_t pid);

/** Which file, for a function that opens it. */
struct OpenRequest {
    NodePlace place;
    NodeFile file{NodeFile::Cookie};
    /** Absolute; empty: where it is by default, or where the node's command line puts it. */
    std::string path;
};
using OpenFunction = std::function<util::Result<util::Fd>(const OpenRequest&)>;

/**
 * Open read-only, with the rights of this process.
 *
 * Of a process (`pid`): with the rights of its user and groups, in its mount namespace, so that what the node itself could not read is
 * not read for it; where -conf, -rpccookiefile or -debuglogfile of its command line say, else at the default place.
 * Without: the default place below `datadir`. Regular files only, and no symbolic link at the end or out of the data directory (the
 * data directory itself may be one).
 */
util::Result<util::Fd> OpenNodeFile(const OpenRequest& request);

/** How long one file may take to open. */
inline constexpr std::chrono::seconds OPEN_PATIENCE{10};
/** Files of one place that may hang at a time; what is asked beyond fails at once. */
inline constexpr std::size_t MAX_HANGING{4};

/** What an Opener opens, for good: nothing that is said later adds to it. */
struct OpenerFiles {
    bool of_nodes{true};
    std::vector<std::string> also{}; //!< absolute paths of nodes' files that may be asked for besides (a cookie elsewhere)
    std::vector<std::string> own{};  //!< absolute paths of coretap's own files
};

/**
 * A process that keeps the privileges this one has, and does nothing but open files for it: with OpenNodeFile(), and coretap's own. Start
 * it before giving up privileges, and while there is one thread. It ends with this object, or with its parent.
 *
 * Each file is opened by a process of its own: one that hangs in a file system that does not answer holds up nobody else.
 */
class Opener {
    util::Fd m_socket;
    pid_t m_process;

    const OpenerFiles m_files;

    Opener(util::Fd socket, pid_t process, OpenerFiles files);

public:
    static util::Result<std::unique_ptr<Opener>> Start(OpenerFiles files = {});
    ~Opener();
    Opener(const Opener&) = delete;
    Opener& operator=(const Opener&) = delete;

    // From any thread, at any time. A file that does not open within OPEN_PATIENCE is an error.
    util::Result<util::Fd> Open(const OpenRequest& request);
    /** Whether OpenOwn() opens it. */
    bool IsOwn(const std::string& path) const;
    /** A regular file among those it was started with, with its own rights; symbolic links are followed. */
    util::Result<util::Fd> OpenOwn(const std::string& path);

private:
    struct Asked;
    util::Result<util::Fd> Ask(const Asked& asked);
    // In the other process.
    static util::Result<util::Fd> OpenAsked(const Asked& asked, const OpenerFiles& files);
    /** A process for each question; until the other end of the socket is closed. */
    static void Serve(int socket, const OpenerFiles& files);
};

} // namespace coretap::poll
