// The ways to trace a program that bench/trace_bench.cpp compares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "abi/coretap_abi.h"

namespace coretap::bench {

/** Give up: main() says why. */
[[noreturn]] void Fail(const std::string& what);
[[noreturn]] void Fail(const std::string& what, int error);

struct Account {
    std::uint64_t delivered{0};
    std::uint64_t bytes{0};
    std::uint64_t counted{0};
    std::uint64_t lost{0};
    std::uint64_t shed{0};
    std::uint64_t faults{0};
    double load_ms{0};
    double attach_ms{0};
    double detach_ms{0};
    std::size_t sites{0}; //!< probes attached
};

/** One way, on one program. */
class Tracer {
protected:
    Account m_account{};
    std::vector<std::byte> m_batch = std::vector<std::byte>(CT_ELEM_MAX); //!< stands for what a reader hands on

public:
    virtual ~Tracer() = default;
    virtual void Attach() = 0;
    virtual void Detach() = 0;
    /** Handle what has arrived, then sleep for more, some milliseconds at most. In a thread of its own. */
    virtual void Turn() = 0;
    /** Handle what is left. */
    virtual void Finish() = 0;
    const Account& GetAccount() const { return m_account; }
};

/** Whether links of many uprobes are used: where the kernel has them, unless `perf` is asked for. */
bool UseMulti(bool perf);

/** An empty program. */
std::unique_ptr<Tracer> MakeFloor(const std::string& path, bool multi);
/** bench/bpf/naive.bpf.c. */
std::unique_ptr<Tracer> MakeNaive(const std::string& path);
/** coretap on every tracepoint of the catalogue that the program carries. `mode`: CT_MODE_*; `snap`: payload bytes. */
std::unique_ptr<Tracer> MakeCoretap(const std::string& path, bool multi, std::uint32_t ring_bytes, __u8 mode, std::uint32_t snap);

} // namespace coretap::bench
