// The places of sites in a list, by name: for work on a million slots, where an ordinary hash table's lookups would be
// most of the time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
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
    if (places_.empty()) return none;
    const Key key(site.str());
    for (std::size_t at = key.hash() & mask_;; at = (at + 1) & mask_) {
      const std::uint32_t place = places_[at];
      if (place == none) return none;
      if (keys_[place] == key && (key.is_whole() || sites_[place] == site)) return place;
    }
  }
  const SiteId& site(std::uint32_t place) const { return sites_[place]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(sites_.size()); }

 private:
  /// The length of a name, its first and its last eight octets: all of it, where it has no more than those.
  struct Key {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::uint32_t size = 0;

    explicit Key(const std::string& name) : size(static_cast<std::uint32_t>(name.size())) {
      if (size >= sizeof head) {
        std::memcpy(&head, name.data(), sizeof head);
        std::memcpy(&tail, name.data() + size - sizeof tail, sizeof tail);
      } else {
        for (const char c : name) head = head << 8U | static_cast<unsigned char>(c);
      }
    }
    bool operator==(const Key&) const = default;
    bool is_whole() const { return size <= sizeof head + sizeof tail; }
    std::uint64_t hash() const {
      const std::uint64_t mixed = (head ^ std::rotl(tail, 23) ^ size) * 0x9E37'79B9'7F4A'7C15;
      return mixed ^ mixed >> 29U;
    }
  };

  std::vector<SiteId> sites_;
  std::vector<Key> keys_;              ///< of each site
  std::vector<std::uint32_t> places_;  ///< by hash, never full
  std::size_t mask_ = 0;
};

}  // namespace sonde
