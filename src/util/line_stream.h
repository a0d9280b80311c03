// Words for people on a descriptor that they need not read.
#pragma once

#include <cstddef>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace coretap::util {

/**
 * Lines to a descriptor, stderr, each written when it is complete. If nobody takes them (a full pipe, a terminal that was stopped), they
 * are waited for a moment once, then left out; when there is room again, how many those were is said. One thread.
 */
class LineStream final : public std::ostream {
    class Lines final : public std::streambuf {
        const int m_fd;
        std::string m_line;
        bool m_stuck{false};
        std::size_t m_left_out{0}; //!< lines

        int_type overflow(int_type c) override;
        std::streamsize xsputn(const char* text, std::streamsize size) override;
        int sync() override;
        bool Write(std::string_view text);

    public:
        explicit Lines(int fd) : m_fd{fd} {}
        ~Lines() override { sync(); }
    };
    Lines m_lines;

public:
    explicit LineStream(int fd) : std::ostream{nullptr}, m_lines{fd} { rdbuf(&m_lines); }
};

} // namespace coretap::util
