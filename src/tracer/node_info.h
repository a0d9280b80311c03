// What /proc tells of a node process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::tracer {

struct NodeInfo {
    pid_t pid{0};
    std::int64_t started_at{0}; //!< unix seconds
    std::string label; //!< short name: the data directory's, the chain's, or the executable's; NodeLabels tells apart those of one name
    std::string executable; //!< path, in the node's own mount namespace
    std::string build_id;   //!< hex
    std::string datadir;    //!< absolute, in the node's own mount namespace; empty if it could not be found out
    std::string chain;      //!< main, test, testnet4, signet, regtest
};

/** Identity of a file, and of what is in it now. */
struct FileId {
    std::uint64_t device{0};
    std::uint64_t inode{0};
    friend auto operator<=>(const FileId&, const FileId&) = default; // NOLINT(modernize-use-nullptr): of the generated code
};

/** The executable of a process, open for reading: follows into its mount namespace and finds deleted files too. */
util::Result<util::Fd> OpenExecutable(pid_t pid);
util::Result<FileId> IdOf(int fd);
/** Start time of a process, unix seconds; 0 if it is gone. */
std::int64_t StartedAt(pid_t pid);
/** The process that started it, or whoever took over; 0 if it is gone. */
pid_t ParentOf(pid_t pid);
/** Everything but the build id. Nothing if the process is gone. */
std::optional<NodeInfo> ReadNodeInfo(pid_t pid);
/** All process ids in /proc. */
std::vector<pid_t> AllProcesses();

/** datadir and chain as bitcoind's command line sets them (-datadir=, -chain=, -regtest, ...). Pure, for tests. */
struct NodeArguments {
    std::string datadir;
    std::string chain{"main"};
};
NodeArguments ParseNodeArguments(const std::vector<std::string>& arguments);

} // namespace coretap::tracer
