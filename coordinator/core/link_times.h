// A time for each of some links: for a million of them, where a hash table of names would be most of the work. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/schedule/site_index.h"

namespace sonde {

class LinkTimes {
 public:
  LinkTimes() = default;
  /// Times of 0 or more.
  LinkTimes(const std::unordered_map<Link, nanoseconds>& times);
  LinkTimes(std::initializer_list<std::pair<Link, nanoseconds>> times);

  /// `time` >= 0; a link that has one gets another.
  void set(const Link& link, nanoseconds time);
  std::optional<nanoseconds> of(const Link& link) const;
  bool empty() const { return known_ == 0; }
  /// How many links have one.
  std::size_t size() const { return known_; }

  /// Where a site is, for at(); SiteIndex::none where no link of it has a time.
  std::uint32_t place(const SiteId& site) const { return index_.of(site); }
  /// By the places of its ends.
  std::optional<nanoseconds> at(std::uint32_t from, std::uint32_t to) const {
    if (from == SiteIndex::none || to == SiteIndex::none) return std::nullopt;
    const std::int64_t ns = ns_[std::size_t{from} * stride_ + to];
    return ns == unknown ? std::nullopt : std::optional(nanoseconds(ns));
  }

 private:
  static constexpr std::int64_t unknown = -1;

  std::uint32_t add(const SiteId& site);

  std::vector<SiteId> sites_;
  SiteIndex index_;
  std::size_t stride_ = 0;        ///< sites for which there is room
  std::vector<std::int64_t> ns_;  ///< by from-site x stride_ + to-site
  std::size_t known_ = 0;
};

}  // namespace sonde
