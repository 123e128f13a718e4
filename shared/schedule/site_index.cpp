#include "shared/schedule/site_index.h"

#include <bit>
#include <cstring>
#include <utility>

namespace sonde {

/// The length, and the first and the last eight octets (of short names each octet): numbered names differ there.
std::uint64_t SiteIndex::hash(const SiteId& site) {
  const std::string& name = site.str();
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  if (name.size() >= sizeof head) {
    std::memcpy(&head, name.data(), sizeof head);
    std::memcpy(&tail, name.data() + name.size() - sizeof tail, sizeof tail);
  } else {
    for (const char c : name) head = head << 8U | static_cast<unsigned char>(c);
  }
  const std::uint64_t mixed = (head ^ std::rotl(tail, 23) ^ name.size()) * 0x9E37'79B9'7F4A'7C15;
  return mixed ^ mixed >> 29U;
}

SiteIndex::SiteIndex(std::vector<SiteId> sites) : sites_(std::move(sites)) {
  table_.assign(std::bit_ceil(4 * sites_.size() + 1), none);
  mask_ = table_.size() - 1;
  for (std::uint32_t place = 0; place < sites_.size(); ++place) {
    std::size_t at = hash(sites_[place]) & mask_;
    while (table_[at] != none && sites_[table_[at]] != sites_[place]) at = (at + 1) & mask_;
    if (table_[at] == none) table_[at] = place;
  }
}

}  // namespace sonde
