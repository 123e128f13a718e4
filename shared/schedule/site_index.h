// The places of sites in a list, by name: for work on a million slots, where an ordinary hash table's lookups would be
// most of the time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/ids.h"

namespace sonde {

class SiteIndex {
 public:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  SiteIndex() = default;
  /// Names are told apart by their first place where one comes twice.
  explicit SiteIndex(std::vector<SiteId> sites);

  /// `none` where nobody has the name.
  std::uint32_t of(const SiteId& site) const {
    for (std::size_t at = hash(site) & mask_; !table_.empty(); at = (at + 1) & mask_) {
      const std::uint32_t place = table_[at];
      if (place == none || sites_[place] == site) return place;
    }
    return none;
  }
  const SiteId& site(std::uint32_t place) const { return sites_[place]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(sites_.size()); }

 private:
  static std::uint64_t hash(const SiteId& site);

  std::vector<SiteId> sites_;
  std::vector<std::uint32_t> table_;
  std::size_t mask_ = 0;
};

}  // namespace sonde
