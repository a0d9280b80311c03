#include "tracer/attacher.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/node_labels.h"

namespace coretap::tracer {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

const int LEASE_SIGNAL{SIGRTMIN + 1};
constexpr std::chrono::milliseconds RESCAN{1000};       //!< besides notices of execve
constexpr std::chrono::milliseconds BLIND_RESCAN{100};  //!< without them
constexpr std::chrono::milliseconds REWRITE_QUIET{300}; //!< a rewritten file is looked at again after this long without a write

struct Node {
    NodeInfo info;
    FileId image;
    util::Fd pidfd;
};

std::uint64_t MonotonicNs()
{
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); // CLOCK_MONOTONIC
}

/** A file being written to: attach again when it is whole. */
struct Rewritten {
    std::string path;
    Clock::time_point quiet_since;
};

class Attacher {
    Channel m_channel;
    const TraceOptions& m_options;
    const event::Catalogue& m_catalogue;
    KernelMaps m_maps;
    AttachKind m_kind{AttachKind::UprobeMulti};
    std::optional<ExecWatch> m_exec;
    util::Fd m_signals;
    util::Fd m_inotify;
    util::Fd m_cost_stats;
    std::map<FileId, std::unique_ptr<Image>> m_images;
    std::map<int, FileId> m_file_watches;                     //!< inotify watch -> image
    std::map<int, std::set<std::string>> m_directory_watches; //!< inotify watch -> paths of executables in it
    std::map<std::string, int> m_watched_directories;
    std::map<pid_t, Node> m_nodes;
    NodeLabels m_labels;
    std::map<FileId, std::int64_t> m_not_nodes; //!< files looked at -> mtime, so that a scan is cheap
    std::map<FileId, std::string> m_refused;    //!< files that could not be attached -> the error told
    std::vector<Rewritten> m_rewritten;
    ProgramCost m_cost_so_far;
    bool m_stop{false};

public:
    Attacher(Channel channel, const TraceOptions& options, const event::Catalogue& catalogue)
        : m_channel{std::move(channel)}, m_options{options}, m_catalogue{catalogue}
    {}

    void Run()
    {
        if (const auto started{Start()}; !started) {
            Send({{"kind", "fatal"}, {"code", static_cast<int>(started.GetError().code)}, {"text", started.GetError().what}});
            return;
        }
        if (!Begin()) return;
        Send({{"kind", "ready"}});
        Clock::time_point next_scan{Clock::now() + RESCAN};
        while (!m_stop) {
            WaitForSomething();
            const Clock::time_point now{Clock::now()};
            Reattach(now);
            if (now >= next_scan) {
                if (!m_options.pid) Scan();
                DropUnused();
                next_scan = Clock::now() + (m_exec ? RESCAN : BLIND_RESCAN);
            }
        }
        Stop();
    }

private:
    void Send(const json::object& message, const std::vector<int>& fds = {})
    {
        if (!m_channel.Send(message, fds)) m_stop = true;
    }
    void Notice(std::string text) { Send({{"kind", "notice"}, {"text", std::move(text)}}); }

    util::Result<> Start()
    {
        auto maps{CreateMaps(m_options.ring_bytes)};
        if (!maps) return maps.GetError();
        m_maps = std::move(*maps);
        m_kind = !m_options.force_perf_uprobe && HaveUprobeMulti() ? AttachKind::UprobeMulti : AttachKind::PerfUprobe;
        if (auto exec{ExecWatch::Start(m_maps)}) m_exec.emplace(std::move(*exec));
        if (m_options.measure_cost) {
            auto stats{EnableCostStats()};
            if (!stats) return stats.GetError();
            m_cost_stats = std::move(*stats);
        }
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, LEASE_SIGNAL);
        ::sigprocmask(SIG_BLOCK, &signals, nullptr);
        m_signals.Reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
        m_inotify.Reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!m_signals || !m_inotify)
            return util::Error{util::Errc::Io, fmt::format("cannot watch files: {}", std::strerror(errno)), errno};
        return m_channel.Send({{"kind", "maps"}, {"elem_bytes", m_maps.elem_bytes}, {"ring_elems", m_maps.ring_elems}},
                              {m_maps.ring.Get(), m_maps.shared.Get(), m_maps.doorbell.Get()});
    }

    /** First attachment. Returns false after telling the reader why nothing can come. */
    bool Begin()
    {
        const auto fatal = [this](const util::Error& error) {
            Send({{"kind", "fatal"}, {"code", static_cast<int>(error.code)}, {"text", error.what}});
            return false;
        };
        if (m_options.pid) {
            auto file{OpenExecutable(*m_options.pid)};
            if (!file) return fatal(file.GetError());
            const auto info{ReadNodeInfo(*m_options.pid)};
            auto id{IdOf(file->Get())};
            if (!info || !id) return fatal({util::Errc::NotFound, fmt::format("process {} ended", *m_options.pid)});
            const std::uint64_t before{MonotonicNs()};
            if (const auto attached{AttachFile(std::move(*file), info->executable)}; !attached) return fatal(attached.GetError());
            AddNode(*m_options.pid, *id, before);
            if (!m_nodes.contains(*m_options.pid))
                return fatal({util::Errc::NotFound, fmt::format("process {} ended while coretap was attaching to it", *m_options.pid)});
            return true;
        }
        if (m_options.binary) {
            util::Fd file{::open(m_options.binary->c_str(), O_RDONLY | O_CLOEXEC)};
            WatchDirectory(*m_options.binary);
            if (file) {
                const auto attached{AttachFile(std::move(file), std::filesystem::weakly_canonical(*m_options.binary).string())};
                if (!attached) return fatal(attached.GetError());
            } else if (errno == ENOENT) {
                if (m_options.require_node) return fatal({util::Errc::NotFound, fmt::format("there is no file {}", *m_options.binary)});
                Notice(fmt::format("{} is not there yet; waiting for it", *m_options.binary));
            } else {
                const int error{errno};
                return fatal({error == EACCES || error == EPERM ? util::Errc::Permission : util::Errc::Io,
                              fmt::format("cannot open {}: {}", *m_options.binary, std::strerror(error)), error});
            }
        }
        LabelAll();
        Scan();
        if (m_options.require_node && !HaveNode()) return fatal({util::Errc::NotFound, NoNode()});
        if (!HaveNode() && !m_stop && !m_options.only_pid) Notice(NoNode() + "; waiting for it to start");
        return true;
    }

    bool IsWanted(const NodeInfo& node) const { return !m_options.datadir || node.datadir == *m_options.datadir; }
    bool HaveNode() const
    {
        return std::ranges::any_of(m_nodes, [this](const auto& node) { return IsWanted(node.second.info); });
    }

    std::string NoNode() const
    {
        if (m_options.binary) return fmt::format("no process runs {}", *m_options.binary);
        if (m_options.datadir) return fmt::format("no node with data directory {} runs here", *m_options.datadir);
        return "no node with Bitcoin Core's tracepoints runs here (`coretap doctor` tells more; --sim uses the stand-in)";
    }

    /** What the reader knows a file by. */
    static std::string ImageName(const FileId& id) { return fmt::format("{}:{}", id.device, id.inode); }

    util::Result<> AttachFile(util::Fd file, const std::string& path)
    {
        auto id{IdOf(file.Get())};
        if (!id) return id.GetError();
        if (m_images.contains(*id)) return {};
        auto attached{Image::Attach(std::move(file), path, m_maps, m_kind, m_catalogue, m_options.modes, LEASE_SIGNAL)};
        if (!attached) return attached.GetError();
        Image& image{*attached->image};
        const int watch{
            ::inotify_add_watch(m_inotify.Get(), fmt::format("/proc/self/fd/{}", image.FileFd()).c_str(), IN_MODIFY | IN_CLOSE_WRITE)};
        if (watch >= 0) m_file_watches[watch] = *id;
        WatchDirectory(path);
        json::array problems(attached->problems.begin(), attached->problems.end());
        json::array rows(image.Rows().begin(), image.Rows().end());
        Send({{"kind", "attached"},
              {"image", ImageName(*id)},
              {"path", path},
              {"rows", std::move(rows)},
              {"build_id", image.BuildId()},
              {"tracepoints", image.Tracepoints()},
              {"problems", std::move(problems)},
              {"load_ms", attached->load_ms},
              {"attach_ms", attached->attach_ms},
              {"attach_kind", m_kind == AttachKind::UprobeMulti ? "uprobe_multi" : "perf uprobe"},
              {"leased", image.Leased()}});
        m_images[*id] = std::move(attached->image);
        m_refused.erase(*id);
        return {};
    }

    /** Whether a file that carries tracepoints is one we were asked to trace. */
    bool WantsFile(const FileId& id) const
    {
        if (!m_options.binary) return true;
        struct stat status {};
        return ::stat(m_options.binary->c_str(), &status) == 0 && FileId{status.st_dev, status.st_ino} == id;
    }

    /** Look at a process: attach to its executable if that is a node's, and tell the reader of the node. */
    void Consider(pid_t pid, std::optional<std::uint64_t> exec_at_ns = std::nullopt)
    {
        std::uint64_t at_ns{exec_at_ns.value_or(MonotonicNs())};
        auto file{OpenExecutable(pid)};
        if (!file) return;
        const auto id{IdOf(file->Get())};
        if (!id) return;
        if (const auto known{m_nodes.find(pid)}; known != m_nodes.end()) {
            if (known->second.image == *id) return;
            RemoveNode(pid); // it called execve
        }
        if (!m_images.contains(*id)) {
            if (m_options.pid || !WantsFile(*id) || !IsNode(*id, file->Get())) return;
            const auto info{ReadNodeInfo(pid)};
            if (!info) return;
            if (const auto attached{AttachFile(std::move(*file), info->executable)}; !attached) {
                std::string& told{m_refused[*id]};
                if (told != attached.GetError().what) {
                    told = attached.GetError().what;
                    if (attached.GetError().code == util::Errc::Permission) {
                        Send({{"kind", "fatal"}, {"code", static_cast<int>(attached.GetError().code)}, {"text", told}});
                        m_stop = true;
                    } else {
                        Notice(told);
                    }
                }
                return;
            }
        }
        // found by a scan, it may have fired from the moment its executable was attached to
        if (!exec_at_ns) at_ns = std::min(at_ns, m_images.at(*id)->AttachingSinceNs());
        AddNode(pid, *id, at_ns);
    }

    bool IsNode(const FileId& id, int fd)
    {
        struct stat status {};
        if (::fstat(fd, &status) != 0) return false;
        const std::int64_t changed{status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
        const auto seen{m_not_nodes.find(id)};
        if (seen != m_not_nodes.end() && seen->second == changed) return false;
        if (LooksLikeNode(fd) || m_options.binary) return true;
        if (m_not_nodes.size() > 10'000) m_not_nodes.clear();
        m_not_nodes[id] = changed;
        return false;
    }

    /** Whose end we have not been told of yet: the one that follows at once in a restart must not be taken for another node. */
    void RemoveEnded()
    {
        std::vector<pid_t> ended;
        for (const auto& [pid, node] : m_nodes) {
            pollfd readable{node.pidfd.Get(), POLLIN, 0};
            if (::poll(&readable, 1, 0) == 1) ended.push_back(pid);
        }
        for (const pid_t pid : ended) RemoveNode(pid);
    }

    /** `at_ns`: a moment before the node can have fired anything we are attached to. */
    void AddNode(pid_t pid, const FileId& image_id, std::uint64_t at_ns)
    {
        RemoveEnded();
        if (m_nodes.contains(pid) || (m_options.pid && *m_options.pid != pid) || (m_options.only_pid && *m_options.only_pid != pid)) return;
        auto info{ReadNodeInfo(pid)};
        if (!info) return;
        Node node{std::move(*info), image_id, util::Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}};
        if (!node.pidfd) return;
        const Image& image{*m_images.at(image_id)};
        node.info.build_id = image.BuildId();
        std::vector<std::string> in_use;
        for (const auto& [other_pid, other] : m_nodes) in_use.push_back(other.info.label);
        node.info.label = m_labels.LabelOf(node.info, in_use);
        const NodeInfo& found{node.info};
        Send({{"kind", "node"},
              {"pid", pid},
              {"started_at", found.started_at},
              {"image", ImageName(image_id)},
              {"label", found.label},
              {"executable", found.executable},
              {"build_id", found.build_id},
              {"datadir", found.datadir},
              {"chain", found.chain},
              {"at_ns", at_ns},
              {"wanted", IsWanted(found)}});
        m_nodes.emplace(pid, std::move(node));
    }

    void RemoveNode(pid_t pid)
    {
        if (m_nodes.erase(pid) == 0) return; // while another one was
        Send({{"kind", "gone"}, {"pid", pid}});
        if (!m_options.pid) Scan(); // it may have forked into the background
        if (m_options.pid && *m_options.pid == pid) Send({{"kind", "ended"}, {"text", fmt::format("process {} ended", pid)}});
    }

    /** Labels of the nodes that run when coretap starts. */
    void LabelAll()
    {
        std::vector<NodeInfo> nodes;
        for (const pid_t pid : AllProcesses()) {
            const auto file{OpenExecutable(pid)};
            const auto id{file ? IdOf(file->Get()) : file.GetError()};
            if (!id || !WantsFile(*id) || !IsNode(*id, file->Get())) continue;
            if (auto info{ReadNodeInfo(pid)}) nodes.push_back(std::move(*info));
        }
        m_labels.Introduce(nodes);
    }

    void Scan()
    {
        for (const pid_t pid : AllProcesses()) {
            if (m_stop) return;
            // A node's child that has not called execve yet is about to (-blocknotify and the like), or takes the node's place when
            // it ends (-daemon). If it fires after all, the reader asks for it.
            if (!m_nodes.contains(pid) && m_nodes.contains(ParentOf(pid))) continue;
            Consider(pid);
        }
    }

    /** Notice a new file at the executable's path before anything runs it. */
    void WatchDirectory(const std::string& path)
    {
        std::error_code error;
        const auto absolute{std::filesystem::absolute(path, error)};
        if (error || !absolute.has_filename()) return;
        const std::string directory{absolute.parent_path().string()};
        auto known{m_watched_directories.find(directory)};
        if (known == m_watched_directories.end()) {
            const int watch{::inotify_add_watch(m_inotify.Get(), directory.c_str(), IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR)};
            if (watch < 0) return;
            known = m_watched_directories.emplace(directory, watch).first;
        }
        m_directory_watches[known->second].insert(absolute.string());
    }

    void LetGo(const FileId& id, const std::string& why)
    {
        const auto found{m_images.find(id)};
        if (found == m_images.end()) return;
        const ProgramCost cost{found->second->Cost()};
        m_cost_so_far.run_time_ns += cost.run_time_ns;
        m_cost_so_far.run_count += cost.run_count;
        const std::string path{found->second->Path()};
        found->second->LetGo();
        for (auto watch{m_file_watches.begin()}; watch != m_file_watches.end();) {
            if (watch->second == id) {
                ::inotify_rm_watch(m_inotify.Get(), watch->first);
                watch = m_file_watches.erase(watch);
            } else {
                ++watch;
            }
        }
        m_images.erase(found);
        Send({{"kind", "detached"}, {"image", ImageName(id)}, {"path", path}, {"why", why}});
    }

    /** Somebody writes to the file, or is waiting to: our breakpoints must not meet new code (ADR 2). */
    void OnWrite(const FileId& id)
    {
        const auto found{m_images.find(id)};
        if (found == m_images.end()) return;
        const std::string path{found->second->Path()};
        LetGo(id, "the file is being overwritten");
        m_rewritten.push_back({path, Clock::now()});
        m_not_nodes.erase(id);
    }

    /** `closed`: whoever wrote it has closed it. */
    void OnNewFile(const std::string& path, bool closed)
    {
        const auto rewritten{std::ranges::find(m_rewritten, path, &Rewritten::path)};
        if (rewritten != m_rewritten.end()) {
            if (!closed) {
                rewritten->quiet_since = Clock::now();
                return;
            }
            m_rewritten.erase(rewritten);
        }
        util::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!file) return;
        const auto id{IdOf(file.Get())};
        if (!id || m_images.contains(*id)) return;
        if (!LooksLikeNode(file.Get())) return; // not whole yet, or something else
        if (const auto attached{AttachFile(std::move(file), path)}; !attached) Notice(attached.GetError().what);
    }

    void Reattach(Clock::time_point now)
    {
        std::vector<std::string> whole;
        std::erase_if(m_rewritten, [&](const Rewritten& file) {
            if (now - file.quiet_since < REWRITE_QUIET) return false;
            whole.push_back(file.path);
            return true;
        });
        for (const std::string& path : whole) OnNewFile(path, true);
    }

    /** Images that no process runs and that nothing can start any more. */
    void DropUnused()
    {
        std::vector<FileId> unused;
        for (const auto& entry : m_images) {
            struct stat status {};
            const bool deleted{::fstat(entry.second->FileFd(), &status) == 0 && status.st_nlink == 0};
            const bool runs{std::ranges::any_of(m_nodes, [&entry](const auto& node) { return node.second.image == entry.first; })};
            if (deleted && !runs) unused.push_back(entry.first);
        }
        for (const FileId& id : unused) LetGo(id, "the file was deleted and no process runs it");
    }

    void WaitForSomething()
    {
        std::vector<pollfd> fds{{m_channel.PollFd(), POLLIN, 0}, {m_signals.Get(), POLLIN, 0}, {m_inotify.Get(), POLLIN, 0}};
        if (m_exec) fds.push_back({m_exec->PollFd(), POLLIN, 0});
        const std::size_t first_node{fds.size()};
        std::vector<pid_t> pids;
        for (const auto& [pid, node] : m_nodes) {
            fds.push_back({node.pidfd.Get(), POLLIN, 0});
            pids.push_back(pid);
        }
        const auto patience{m_exec && m_rewritten.empty() ? RESCAN : BLIND_RESCAN};
        if (::poll(fds.data(), fds.size(), static_cast<int>(patience.count())) <= 0) return;

        if (fds[1].revents != 0) ReadSignals(); // first: somebody waits for us
        if (fds[2].revents != 0) ReadInotify();
        if (m_exec && fds[3].revents != 0) {
            for (const ExecNotice& notice : m_exec->Take()) Consider(static_cast<pid_t>(notice.pid), notice.at_ns);
        }
        for (std::size_t i{0}; i < pids.size(); ++i) {
            if (fds[first_node + i].revents != 0 && m_nodes.contains(pids[i])) RemoveNode(pids[i]);
        }
        if (fds[0].revents != 0) ReadChannel();
    }

    void ReadSignals()
    {
        signalfd_siginfo info{};
        bool lost{false};
        while (::read(m_signals.Get(), &info, sizeof(info)) == sizeof(info)) {
            std::optional<FileId> id;
            for (const auto& [image_id, image] : m_images) {
                if (image->FileFd() == info.ssi_fd) id = image_id;
            }
            if (id) {
                OnWrite(*id);
            } else {
                lost = true;
            }
        }
        if (!lost) return;
        // a signal that does not say which file: let go of every file whose lease is being broken
        std::vector<FileId> breaking;
        for (const auto& [id, image] : m_images) {
            if (image->Leased() && ::fcntl(image->FileFd(), F_GETLEASE) != F_RDLCK) breaking.push_back(id);
        }
        for (const FileId& id : breaking) OnWrite(id);
    }

    void ReadInotify()
    {
        alignas(inotify_event) char buffer[16384];
        for (;;) {
            const ssize_t size{::read(m_inotify.Get(), buffer, sizeof(buffer))};
            if (size <= 0) return;
            for (ssize_t at{0}; at < size;) {
                const auto* event{reinterpret_cast<const inotify_event*>(buffer + at)};
                at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
                if (const auto file{m_file_watches.find(event->wd)}; file != m_file_watches.end()) {
                    OnWrite(FileId{file->second});
                    continue;
                }
                const auto directory{m_directory_watches.find(event->wd)};
                if (directory == m_directory_watches.end() || event->len == 0) continue;
                for (const std::string& path : std::set<std::string>{directory->second}) {
                    if (std::filesystem::path{path}.filename() == event->name) OnNewFile(path, (event->mask & IN_CREATE) == 0);
                }
            }
        }
    }

    void ReadChannel()
    {
        for (;;) {
            auto message{m_channel.Receive()};
            if (!message) { // the reader is gone
                m_stop = true;
                return;
            }
            if (!*message) return;
            const json::object& body{(*message)->body};
            const json::value* kind{body.if_contains("kind")};
            if (kind == nullptr || !kind->is_string()) continue;
            if (kind->get_string() == "stop") m_stop = true;
            if (kind->get_string() == "who") {
                const json::value* pid{body.if_contains("pid")};
                if (pid != nullptr && pid->is_int64()) {
                    Consider(static_cast<pid_t>(pid->get_int64()));
                    if (!m_nodes.contains(static_cast<pid_t>(pid->get_int64()))) Send({{"kind", "gone"}, {"pid", pid->get_int64()}});
                }
            }
        }
    }

    void Stop()
    {
        const Clock::time_point start{Clock::now()};
        for (const auto& [id, image] : m_images) {
            const ProgramCost cost{image->Cost()};
            m_cost_so_far.run_time_ns += cost.run_time_ns;
            m_cost_so_far.run_count += cost.run_count;
            image->LetGo();
        }
        const double detach_ms{std::chrono::duration<double, std::milli>(Clock::now() - start).count()};
        Send({{"kind", "stopped"},
              {"run_time_ns", m_cost_so_far.run_time_ns},
              {"run_count", m_cost_so_far.run_count},
              {"detach_ms", detach_ms}});
    }
};

} // namespace

void RunAttacher(Channel channel, const TraceOptions& options, const event::Catalogue& catalogue)
{
    Attacher{std::move(channel), options, catalogue}.Run();
}

} // namespace coretap::tracer
