#include "web/assets.h"

#include <algorithm>

namespace coretap::web {

const Asset* FindAsset(std::string_view name)
{
    const auto assets = Assets();
    const auto found = std::ranges::lower_bound(assets, name, {}, &Asset::name);
    return found != assets.end() && found->name == name ? &*found : nullptr;
}

} // namespace coretap::web
