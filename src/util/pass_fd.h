// A message and a descriptor beside it, over a Unix socket: how a process that keeps privileges hands on what it opened.
#pragma once

#include <cstddef>
#include <span>

#include "util/fd.h"

namespace coretap::util {

/** Send `message`, with `fd` beside it unless that is negative. False (errno) if it did not go out whole. */
bool SendWithFd(int socket, std::span<const std::byte> message, int fd);

/**
 * Receive a message of exactly `message.size()` bytes, and the descriptor beside it if there is one; more descriptors
 * than one are closed. False (errno; 0 at the end or another size) if none came.
 */
bool ReceiveWithFd(int socket, std::span<std::byte> message, Fd& fd);

} // namespace coretap::util
