#include "tracer/ring.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>

namespace coretap::tracer {
namespace {

util::Result<util::Mapping> Map(int fd, std::size_t size, int protection, off_t offset, const char* what)
{
    void* data{::mmap(nullptr, size, protection, MAP_SHARED, fd, offset)};
    if (data == MAP_FAILED) return util::Error{util::Errc::Io, fmt::format("cannot map {}: {}", what, std::strerror(errno)), errno};
    return util::Mapping{data, size};
}

std::size_t PageUp(std::size_t size)
{
    const auto page{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))};
    return (size + page - 1) / page * page;
}

} // namespace

util::Result<Ring> Ring::Open(int ring_fd, int shared_fd, int doorbell_fd, std::uint32_t elem_bytes, std::uint32_t ring_elems)
{
    Ring ring;
    ring.m_elem_bytes = elem_bytes;
    ring.m_size = std::uint64_t{elem_bytes} * ring_elems;
    auto data{Map(ring_fd, ring.m_size, PROT_READ | PROT_WRITE, 0, "the ring")};
    if (!data) return data.GetError();
    ring.m_ring = std::move(*data);
    auto shared{Map(shared_fd, PageUp(sizeof(ct_shared)), PROT_READ | PROT_WRITE, 0, "the counters")};
    if (!shared) return shared.GetError();
    ring.m_shared_mapping = std::move(*shared);
    ring.m_shared = static_cast<ct_shared*>(ring.m_shared_mapping.Data());

    // The doorbell is a BPF ring buffer: consumer page, producer page, data. What rings is not read, but taken away.
    const std::size_t page{PageUp(1)};
    auto consumer{Map(doorbell_fd, page, PROT_READ | PROT_WRITE, 0, "the doorbell")};
    if (!consumer) return consumer.GetError();
    ring.m_bell_consumer = std::move(*consumer);
    auto producer{Map(doorbell_fd, page, PROT_READ, static_cast<off_t>(page), "the doorbell")};
    if (!producer) return producer.GetError();
    ring.m_bell_producer = std::move(*producer);

    ring.m_epoll.Reset(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    if (!ring.m_epoll || ::epoll_ctl(ring.m_epoll.Get(), EPOLL_CTL_ADD, doorbell_fd, &event) != 0) {
        return util::Error{util::Errc::Io, fmt::format("cannot wait for the doorbell: {}", std::strerror(errno)), errno};
    }
    return ring;
}

std::uint64_t Ring::FillBytes() const noexcept
{
    return __atomic_load_n(&m_shared->produced, __ATOMIC_RELAXED) - __atomic_load_n(&m_shared->consumed, __ATOMIC_RELAXED);
}

void Ring::Wait(std::chrono::milliseconds patience, int other_fd)
{
    __atomic_store_n(&m_shared->wake_armed, 1, __ATOMIC_SEQ_CST);
    // what came in between would not ring
    if (FillBytes() < m_shared->wake_bytes) {
        pollfd fds[]{{m_epoll.Get(), POLLIN, 0}, {other_fd, POLLIN, 0}};
        ::poll(fds, other_fd >= 0 ? 2 : 1, static_cast<int>(patience.count()));
    }
    __atomic_store_n(&m_shared->wake_armed, 0, __ATOMIC_SEQ_CST);
    auto* consumed{static_cast<unsigned long*>(m_bell_consumer.Data())};
    const auto* produced{static_cast<const unsigned long*>(m_bell_producer.Data())};
    __atomic_store_n(consumed, __atomic_load_n(produced, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

} // namespace coretap::tracer
