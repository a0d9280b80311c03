// Owners for file descriptors and memory mappings.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace coretap::util {

/** Owns a file descriptor; closes it once. */
class Fd {
    int m_fd{-1};

public:
    Fd() = default;
    explicit Fd(int fd) noexcept : m_fd{fd} {}
    Fd(Fd&& other) noexcept : m_fd{std::exchange(other.m_fd, -1)} {}
    Fd& operator=(Fd&& other) noexcept
    {
        if (this != &other) Reset(std::exchange(other.m_fd, -1));
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { Reset(); }

    void Reset(int fd = -1) noexcept
    {
        if (m_fd >= 0) ::close(m_fd);
        m_fd = fd;
    }
    int Get() const noexcept { return m_fd; }
    int Release() noexcept { return std::exchange(m_fd, -1); }
    explicit operator bool() const noexcept { return m_fd >= 0; }
};

/** Owns a memory mapping; unmaps it once. */
class Mapping {
    void* m_data{nullptr};
    std::size_t m_size{0};

public:
    Mapping() = default;
    Mapping(void* data, std::size_t size) noexcept : m_data{data}, m_size{size} {}
    Mapping(Mapping&& other) noexcept : m_data{std::exchange(other.m_data, nullptr)}, m_size{std::exchange(other.m_size, 0)} {}
    Mapping& operator=(Mapping&& other) noexcept
    {
        if (this != &other) {
            Unmap();
            m_data = std::exchange(other.m_data, nullptr);
            m_size = std::exchange(other.m_size, 0);
        }
        return *this;
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { Unmap(); }

    void* Data() const noexcept { return m_data; }
    std::size_t Size() const noexcept { return m_size; }
    std::span<const std::byte> Bytes() const noexcept { return {static_cast<const std::byte*>(m_data), m_size}; }
    explicit operator bool() const noexcept { return m_data != nullptr; }

private:
    void Unmap() noexcept
    {
        if (m_data != nullptr) ::munmap(m_data, m_size);
        m_data = nullptr;
        m_size = 0;
    }
};

} // namespace coretap::util
