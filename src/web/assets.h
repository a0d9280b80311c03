// Files that are part of the program: the page, and what there is where no page was built. Made by scripts/embed_assets.py at build time.
#pragma once

#include <span>
#include <string_view>

namespace coretap::web {

struct Asset {
    std::string_view name; //!< `page/index.html`: of web/dist; `static/openapi.json`: of src/web/static
    std::string_view content_type;
    std::string_view etag; //!< with its quotes
    std::string_view bytes;
    std::string_view gzip; //!< empty where it would not be smaller
    bool immutable;        //!< its name has a hash of its content in it
};

/** Sorted by name. */
std::span<const Asset> Assets();
/** Null if there is none of that name. */
const Asset* FindAsset(std::string_view name);

} // namespace coretap::web
