#include "coordinator/core/mesh.h"

#include <algorithm>

namespace sonde {

const SiteSpec* Mesh::site(const SiteId& id) const {
  const auto at = std::ranges::find(sites, id, &SiteSpec::site);
  return at == sites.end() ? nullptr : &*at;
}

}  // namespace sonde
