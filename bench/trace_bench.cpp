// What one way of tracing costs: attaches it to the probe net:inbound_message of a program (fire.cpp) or does not, runs
// the program on a CPU of its own, and prints one JSON line of figures. bench/trace.py runs all ways side by side.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/coretap_abi.h"
#include "bench/ways.h"
#include "tracer/kernel.h"
#include "util/fd.h"

namespace {

using namespace coretap;
using namespace coretap::bench;

constexpr std::string_view USAGE{R"(usage: coretap-bench-trace VARIANT [options] PATTERN EVENTS

Runs bench/fire.cpp's program with PATTERN and EVENTS, traced as VARIANT says, and prints one JSON line.

  none          not attached
  floor         attached, empty program (uprobe_multi where the kernel has it)
  floor-perf    attached, empty program, through a perf uprobe
  counted       coretap: counted in the kernel, nothing sent
  metadata      coretap: every event, without payload
  payload       coretap: every event, whole payloads
  naive         bench/bpf/naive.bpf.c
  bpftrace      bench/p2p_traffic.bt
  attach        coretap: every tracepoint of --target; attaches, detaches, runs nothing

  --target PATH      the program (default: fire beside this one)
  --rate N           events a second (default: as fast as it goes)
  --threads N        threads that fire (default 1)
  --ring BYTES       coretap's ring (default 16 MiB)
  --fire-cpu N       CPU of the program (default 0; -1: any); with --threads it may use all
  --reader-cpu N     CPU of the reader (default 1; -1: any)
  --fifo PRIORITY    real-time priority of the program, if permitted (default 50; 0: none)
  --reader-fifo PRIORITY   likewise of the reader (default 49)
  --perf             perf uprobes even where uprobe_multi is there
)"};

struct Options {
    std::string variant;
    std::string pattern;
    std::string events;
    std::string target;
    std::string rate{"0"};
    int threads{1};
    std::uint32_t ring_bytes{tracer::DEFAULT_RING_BYTES};
    int fire_cpu{0};
    int reader_cpu{1};
    int fifo{50};
    int reader_fifo{49};
    bool perf{false};
};

std::string BesideThis(const std::string& name)
{
    char path[4096];
    const ssize_t n{::readlink("/proc/self/exe", path, sizeof(path))};
    const std::string self{path, n > 0 ? static_cast<std::size_t>(n) : 0};
    return self.substr(0, self.rfind('/') + 1) + name;
}

Options ParseOptions(int argc, char** argv)
{
    Options options;
    std::vector<std::string> words;
    for (int i{1}; i < argc; ++i) {
        const std::string_view word{argv[i]};
        const auto value = [&]() -> std::string {
            if (++i == argc) Fail(fmt::format("{} needs a value", word));
            return argv[i];
        };
        if (word == "--target")
            options.target = value();
        else if (word == "--rate")
            options.rate = value();
        else if (word == "--threads")
            options.threads = std::stoi(value());
        else if (word == "--ring")
            options.ring_bytes = static_cast<std::uint32_t>(std::stoul(value()));
        else if (word == "--fire-cpu")
            options.fire_cpu = std::stoi(value());
        else if (word == "--reader-cpu")
            options.reader_cpu = std::stoi(value());
        else if (word == "--fifo")
            options.fifo = std::stoi(value());
        else if (word == "--reader-fifo")
            options.reader_fifo = std::stoi(value());
        else if (word == "--perf")
            options.perf = true;
        else if (word.starts_with("--"))
            Fail(fmt::format("unknown option {}; see --help", word));
        else
            words.emplace_back(word);
    }
    if (!words.empty()) options.variant = words[0];
    if (words.size() != (options.variant == "attach" ? 1 : 3)) Fail("which variant, pattern, and how many events? See --help");
    if (words.size() == 3) {
        options.pattern = words[1];
        options.events = words[2];
    }
    if (options.target.empty()) options.target = BesideThis("fire");
    return options;
}

void PinThread(int cpu)
{
    if (cpu < 0 || cpu >= static_cast<int>(std::thread::hardware_concurrency())) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::sched_setaffinity(0, sizeof(set), &set); // a CPU we may not have: then anywhere
}

double Seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; }

void RaiseThread(int fifo)
{
    const sched_param priority{.sched_priority = fifo};
    if (fifo > 0) ::sched_setscheduler(0, SCHED_FIFO, &priority); // if permitted
}

// ---- the traced program

struct FireResult {
    double ns_per_event{0};
    std::uint64_t fired{0};
    bool attached{false};
};

struct Child {
    pid_t pid{-1};
    util::Fd out; //!< its standard output, or its standard error
};

/** Start `argv`, pinned and at real-time priority if asked; one of its outputs comes back, the other goes to /dev/null. */
Child Spawn(const std::vector<std::string>& argv, int cpu, int fifo, int captured_fd)
{
    std::vector<char*> pointers;
    for (const std::string& arg : argv) pointers.push_back(const_cast<char*>(arg.c_str()));
    pointers.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) Fail("pipe", errno);
    Child child;
    child.out.Reset(ends[0]);
    const util::Fd write_end{ends[1]};
    child.pid = ::fork();
    if (child.pid < 0) Fail("fork", errno);
    if (child.pid == 0) {
        PinThread(cpu);
        RaiseThread(fifo);
        ::dup2(write_end.Get(), captured_fd);
        if (captured_fd != STDOUT_FILENO) ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        ::execvp(pointers[0], pointers.data());
        ::_exit(127);
    }
    return child;
}

/** What the child wrote, to the end; then its exit. */
std::string Collect(Child& child)
{
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(child.out.Get(), buffer, sizeof(buffer))) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    ::waitpid(child.pid, nullptr, 0);
    return text;
}

FireResult Fire(const Options& options, int patience_s)
{
    const bool all_cpus{options.threads > 1};
    Child child{Spawn({options.target, "--wait", std::to_string(patience_s), "--threads", std::to_string(options.threads), options.pattern,
                       options.events, options.rate},
                      all_cpus ? -1 : options.fire_cpu, all_cpus ? 0 : options.fifo, STDOUT_FILENO)};
    const std::string text{Collect(child)};
    FireResult result;
    int attached{0};
    if (std::sscanf(text.c_str(), "%lf %lu %d", &result.ns_per_event, &result.fired, &attached) != 3)
        Fail("no figures from " + options.target);
    result.attached = attached != 0;
    return result;
}

// ---- runs

struct Figures {
    FireResult fire;
    Account account;
    double reader_cpu{0}; //!< share of a CPU while the program fired
};

Figures Trace(Tracer& way, const Options& options)
{
    way.Attach();
    std::atomic<bool> stop{false};
    double reader_s{0};
    std::thread reader{[&] {
        PinThread(options.reader_cpu);
        RaiseThread(options.reader_fifo);
        while (!stop.load(std::memory_order_relaxed)) way.Turn();
        way.Finish();
        rusage usage{};
        ::getrusage(RUSAGE_THREAD, &usage);
        reader_s = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
    }};
    Figures figures;
    std::string error;
    try {
        figures.fire = Fire(options, 0);
    } catch (const std::exception& e) {
        error = e.what();
    }
    stop = true;
    reader.join();
    way.Detach();
    if (!error.empty()) Fail(error);
    figures.account = way.GetAccount();
    const double rate{std::stod(options.rate)};
    const double ns{rate > 0 ? 1e9 / rate : figures.fire.ns_per_event};
    figures.reader_cpu = reader_s / (ns * 1e-9 * static_cast<double>(figures.fire.fired) / options.threads);
    return figures;
}

Figures TraceWithBpftrace(const Options& options)
{
    Child bpftrace{Spawn({"bpftrace", CORETAP_BENCH_BPFTRACE, options.target}, options.reader_cpu, options.reader_fifo, STDERR_FILENO)};
    Figures figures;
    figures.fire = Fire(options, 20);
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
    ::kill(bpftrace.pid, SIGINT);
    const std::string said{Collect(bpftrace)};
    if (!figures.fire.attached) Fail("bpftrace did not attach: " + said);
    for (std::size_t at{said.find("Lost ")}; at != std::string::npos; at = said.find("Lost ", at + 1)) {
        figures.account.lost += std::strtoull(said.c_str() + at + 5, nullptr, 10);
    }
    return figures;
}

void Print(const Options& options, const Figures& figures)
{
    const Account& account{figures.account};
    fmt::print(
        R"({{"variant":"{}","pattern":"{}","rate":{},"ns":{:.2f},"fired":{},"attached":{},"delivered":{},"counted":{},"lost":{},"shed":{},"faults":{},"bytes":{},"reader_cpu":{:.4f}}})"
        "\n",
        options.variant, options.pattern, options.rate, figures.fire.ns_per_event, figures.fire.fired, figures.fire.attached,
        account.delivered, account.counted, account.lost, account.shed, account.faults, account.bytes, figures.reader_cpu);
}

void PrintAttach(const Options& options)
{
    const bool multi{UseMulti(options.perf)};
    const auto all{MakeCoretap(options.target, multi, options.ring_bytes, CT_MODE_DELIVER, 0)};
    all->Attach();
    all->Detach();
    const Account& account{all->GetAccount()};
    fmt::print(R"({{"variant":"attach","sites":{},"multi":{},"load_ms":{:.2f},"attach_ms":{:.2f},"detach_ms":{:.2f}}})"
               "\n",
               account.sites, multi, account.load_ms, account.attach_ms, account.detach_ms);
}

std::unique_ptr<Tracer> MakeWay(const Options& options)
{
    const std::string& name{options.variant};
    const bool multi{UseMulti(options.perf)};
    if (name == "floor") return MakeFloor(options.target, multi);
    if (name == "floor-perf") return MakeFloor(options.target, false);
    if (name == "naive") return MakeNaive(options.target);
    if (name == "counted") return MakeCoretap(options.target, multi, options.ring_bytes, CT_MODE_COUNT, 0);
    if (name == "metadata") return MakeCoretap(options.target, multi, options.ring_bytes, CT_MODE_DELIVER, 0);
    if (name == "payload") return MakeCoretap(options.target, multi, options.ring_bytes, CT_MODE_DELIVER, CT_MAX_PAYLOAD);
    Fail("unknown variant " + name + "; see --help");
}

void Run(const Options& options)
{
    if (options.variant == "attach") return PrintAttach(options);
    if (options.variant == "none") return Print(options, {Fire(options, 0), {}, 0});
    if (options.variant == "bpftrace") return Print(options, TraceWithBpftrace(options));
    Print(options, Trace(*MakeWay(options), options));
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2 || std::string_view{argv[1]} == "--help") {
        fmt::print("{}", USAGE);
        return argc < 2 ? 2 : 0;
    }
    try {
        Run(ParseOptions(argc, argv));
    } catch (const std::exception& e) {
        fmt::print(stderr, "coretap-bench-trace: {}\n", e.what());
        return 1;
    }
    return 0;
}
