// Who and which: sites, links, runs.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/error.h"

namespace sonde {

/// A named place with one agent: 1 to 63 characters of a-z 0-9 and '-', beginning and ending with a letter or digit (a
/// DNS label, RFC 1123 section 2.1). A default-constructed SiteId is empty and names nobody.
class SiteId {
 public:
  SiteId() = default;
  static Expected<SiteId> parse(std::string_view name);
  /// For names that are known to be right (tests, constants); a wrong one is our bug.
  static SiteId known(std::string_view name);

  const std::string& str() const { return name_; }
  bool empty() const { return name_.empty(); }
  auto operator<=>(const SiteId&) const = default;

 private:
  explicit SiteId(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

/// An ordered pair of sites. berlin->athens and athens->berlin are two links.
struct Link {
  SiteId from;
  SiteId to;
  auto operator<=>(const Link&) const = default;
};

/// A run's identity: the from-site's agent counts `seq` up from 1 without gaps; `spool` is a random number that an
/// agent draws when it makes a new spool, so that an id never repeats even where an agent was installed anew.
struct RunId {
  SiteId from;
  std::uint64_t spool = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const RunId&) const = default;
  /// "berlin-0123456789abcdef-42"
  std::string str() const;
};

/// Which slot of the timetable a run belongs to, counted from the generation's first cycle; 0 for runs on demand.
struct Round {
  std::uint32_t number = 0;
  auto operator<=>(const Round&) const = default;
};

/// Counts the coordinator's timetables up; a higher one replaces a lower one. 0: no timetable yet.
struct Generation {
  std::uint64_t number = 0;
  auto operator<=>(const Generation&) const = default;
};

}  // namespace sonde

template <>
struct std::hash<sonde::SiteId> {
  std::size_t operator()(const sonde::SiteId& site) const noexcept { return std::hash<std::string>()(site.str()); }
};
template <>
struct std::hash<sonde::Link> {
  std::size_t operator()(const sonde::Link& link) const noexcept {
    return std::hash<sonde::SiteId>()(link.from) * 1'000'003U ^ std::hash<sonde::SiteId>()(link.to);
  }
};
