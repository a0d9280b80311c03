// A pipe for tests of what writes to a descriptor.
#pragma once

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"

namespace coretap::test {

struct Pipe {
    util::Fd read;
    util::Fd write;

    Pipe()
    {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        read.Reset(ends[0]);
        write.Reset(ends[1]);
    }
    /** Closes the end for writing, and reads what was written. */
    std::string Drain()
    {
        write.Reset();
        return ReadAll();
    }
    std::string ReadAll()
    {
        std::string text;
        char piece[4096];
        for (ssize_t n; (n = ::read(read.Get(), piece, sizeof(piece))) > 0;) text.append(piece, static_cast<std::size_t>(n));
        return text;
    }
};

} // namespace coretap::test
