#include "shared/schedule/site_index.h"

#include <utility>

namespace sonde {

SiteIndex::SiteIndex(std::vector<SiteId> sites) : sites_(std::move(sites)) {
  keys_.reserve(sites_.size());
  for (const SiteId& site : sites_) keys_.emplace_back(site.str());
  places_.assign(std::bit_ceil(4 * sites_.size() + 1), none);
  mask_ = places_.size() - 1;
  for (std::uint32_t place = 0; place < sites_.size(); ++place) {
    std::size_t at = keys_[place].hash() & mask_;
    while (places_[at] != none && sites_[places_[at]] != sites_[place]) at = (at + 1) & mask_;
    if (places_[at] == none) places_[at] = place;
  }
}

}  // namespace sonde
