#include "coordinator/core/link_times.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr std::size_t least_room = 8;

}  // namespace

LinkTimes::LinkTimes(const std::unordered_map<Link, nanoseconds>& times) {
  for (const auto& [link, time] : times) set(link, time);
}

LinkTimes::LinkTimes(std::initializer_list<std::pair<Link, nanoseconds>> times) {
  for (const auto& [link, time] : times) set(link, time);
}

std::uint32_t LinkTimes::add(const SiteId& site) {
  if (const std::uint32_t known = index_.of(site); known != SiteIndex::none) return known;
  sites_.push_back(site);
  index_ = SiteIndex(sites_);
  if (sites_.size() > stride_) {
    const std::size_t wider = std::max(least_room, 2 * stride_);
    std::vector<std::int64_t> grown(wider * wider, unknown);
    for (std::size_t from = 0; from < stride_; ++from)
      std::copy_n(ns_.begin() + static_cast<std::ptrdiff_t>(from * stride_), stride_,
                  grown.begin() + static_cast<std::ptrdiff_t>(from * wider));
    ns_ = std::move(grown);
    stride_ = wider;
  }
  return static_cast<std::uint32_t>(sites_.size() - 1);
}

void LinkTimes::set(const Link& link, nanoseconds time) {
  SONDE_ASSERT(time >= nanoseconds(0));
  const std::uint32_t from = add(link.from);
  const std::uint32_t to = add(link.to);
  std::int64_t& ns = ns_[std::size_t{from} * stride_ + to];
  if (ns == unknown) ++known_;
  ns = time.count();
}

std::optional<nanoseconds> LinkTimes::of(const Link& link) const { return at(place(link.from), place(link.to)); }

}  // namespace sonde
