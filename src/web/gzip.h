// gzip, for bodies that are made anew for each request.
#pragma once

#include <string>
#include <string_view>

namespace coretap::web {

/** `bytes` in gzip's format at zlib's cheapest level; empty if zlib had no memory. */
std::string Gzip(std::string_view bytes);

} // namespace coretap::web
