// What a file that is no recording looks like.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace coretap::archive {

/** From its first bytes: a sentence's end, as `it looks like JSON`. */
std::string LooksLike(std::span<const std::byte> bytes);

/** Whether they begin something compressed, in which pieces of a recording may stand as they were. */
bool IsCompressed(std::span<const std::byte> bytes);

} // namespace coretap::archive
