#include "coordinator/core/kept_intervals.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "coordinator/core/intervals.h"
#include "coordinator/core/link_rules.h"
#include "coordinator/core/probe_cost.h"

namespace sonde {
namespace {

/// More different intervals than these are planned anew.
constexpr std::size_t most_classes = 32;
constexpr std::uint8_t unknown = 0xFF;
/// An interval is kept as long as it would be chosen for so many times what is needed: making the timetable anew moves
/// most runs.
constexpr double kept_while = 2;

class Keeper {
 public:
  Keeper(const Timetable& before, const Cast& cast, const TermsTable& terms)
      : terms_(terms), sites_(static_cast<std::uint32_t>(cast.sites.size())), level_(sites_, nanoseconds(0)) {
    out_.every.push_back(before.throughput_every);
    out_.of_pair.assign(std::size_t{sites_} * sites_, unknown);
  }

  std::optional<RunClasses> run(std::span<const std::uint32_t> ends, const SlotIntervals& intervals) {
    std::vector<std::uint8_t> classes(intervals.known.size(), unknown);
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i] == gone) continue;
      std::uint8_t& its_class = classes[intervals.of_slot[i]];
      if (its_class == unknown) {
        const auto found = class_of(intervals.known[intervals.of_slot[i]]);
        if (!found) return std::nullopt;
        its_class = *found;
      }
      out_.of_pair[pair(from_of(ends[i]), to_of(ends[i]))] = its_class;
    }
    if (!go_through_pairs() || !agrees() || !place_new_automatic()) return std::nullopt;
    return std::move(out_);
  }

 private:
  std::optional<std::uint8_t> class_of(nanoseconds every) {
    const auto known = std::ranges::find(out_.every, every);
    if (known == out_.every.end()) {
      if (out_.every.size() == most_classes || every <= nanoseconds(0) || out_.every.front() % every != nanoseconds(0))
        return std::nullopt;
      out_.every.push_back(every);
      return static_cast<std::uint8_t>(out_.every.size() - 1);
    }
    return static_cast<std::uint8_t>(known - out_.every.begin());
  }

  /// Learns what became of each given interval, and which ones were chosen; new runs wait.
  bool go_through_pairs() {
    for (std::uint32_t from = 0; from < sites_; ++from)
      for (std::uint32_t to = 0; to < sites_; ++to) {
        std::uint8_t& its_class = out_.of_pair[pair(from, to)];
        if (!terms_.has_throughput(from, to)) continue;
        const auto given = terms_.every(from, to);
        if (its_class == unknown) {
          if (given)
            new_given_.push_back({ends_of(from, to), *given});
          else
            new_automatic_.push_back(ends_of(from, to));
        } else if (given) {
          if (given_.try_emplace(*given, out_.every[its_class]).first->second != out_.every[its_class]) return false;
        } else {
          note_automatic(from, to, out_.every[its_class]);
        }
      }
    return true;
  }

  void note_automatic(std::uint32_t from, std::uint32_t to, nanoseconds every) {
    if (std::ranges::find(chosen_, every) == chosen_.end()) chosen_.push_back(every);
    if (!out_.least_auto || every < *out_.least_auto) out_.least_auto = every;
    for (const std::uint32_t site : {from, to})
      if (level_[site] == nanoseconds(0) || every < level_[site]) level_[site] = every;
  }

  /// Rounding anew would give the same.
  bool agrees() {
    std::vector<nanoseconds> given;
    for (const auto& [every, rounded] : given_) given.push_back(every);
    for (const auto& [ends, every] : new_given_) given.push_back(every);
    std::ranges::sort(given);
    const auto twice = std::ranges::unique(given);
    given.erase(twice.begin(), twice.end());
    out_.given = given;
    const Harmonic rounded = harmonic(std::move(given), chosen_);
    for (const auto& [every, before] : given_)
      if (rounded.given.at(every) != before) return false;
    for (const nanoseconds every : chosen_)
      if (rounded.chosen.at(every) != every) return false;
    for (const auto& [ends, every] : new_given_) {
      const auto its_class = class_of(rounded.given.at(every));
      if (!its_class) return false;
      out_.of_pair[pair(from_of(ends), to_of(ends))] = *its_class;
    }
    return true;
  }

  /// As often as the runs of the rarer measured of its two sites.
  bool place_new_automatic() {
    for (const std::uint32_t ends : new_automatic_) {
      if (!out_.least_auto) return false;
      const auto its_class = class_of(std::max({*out_.least_auto, level_[from_of(ends)], level_[to_of(ends)]}));
      if (!its_class) return false;
      out_.of_pair[pair(from_of(ends), to_of(ends))] = *its_class;
    }
    return true;
  }

  std::size_t pair(std::uint32_t from, std::uint32_t to) const { return std::size_t{from} * sites_ + to; }

  const TermsTable& terms_;
  std::uint32_t sites_;
  RunClasses out_;
  std::map<nanoseconds, nanoseconds> given_;  ///< what the timetable before has made of them
  std::vector<nanoseconds> chosen_;
  std::vector<nanoseconds> level_;  ///< of each site the shortest chosen interval
  std::vector<std::pair<std::uint32_t, nanoseconds>> new_given_;
  std::vector<std::uint32_t> new_automatic_;
};

/// Some of a mesh's runs, by the sites at which they begin or end.
struct Selection {
  std::vector<bool> from;
  std::vector<bool> to;

  explicit Selection(std::size_t sites) : from(sites, false), to(sites, false) {}
  void add(std::uint32_t site) { from[site] = to[site] = true; }
};

/// What a resource gives, and what runs take of it.
struct Use {
  double given = 0;      ///< a second, by runs whose interval is given
  double chosen = 0;     ///< a second, by the others
  double automatic = 0;  ///< by one run of each of the others
};

template <typename Cost>
Use use_of(const Selection& selection, const TermsTable& terms, const RunClasses& classes,
           std::span<const std::int64_t> lengths, const Cost& cost) {
  const auto sites = static_cast<std::uint32_t>(selection.from.size());
  Use use;
  const auto add = [&](std::uint32_t from, std::uint32_t to) {
    const std::size_t pair = std::size_t{from} * sites + to;
    if (lengths[pair] == 0) return;
    const double costs = cost(lengths[pair]);
    const double rate = costs / to_seconds(classes.every[classes.of(pair)]);
    if (terms.every(from, to)) {
      use.given += rate;
    } else {
      use.chosen += rate;
      use.automatic += costs;
    }
  };
  for (std::uint32_t chosen = 0; chosen < sites; ++chosen)
    for (std::uint32_t other = 0; other < sites; ++other) {
      if (selection.from[chosen]) add(chosen, other);
      if (selection.to[chosen] && !selection.from[other]) add(other, chosen);
      if (!selection.from[chosen] && !selection.to[chosen]) break;
    }
  return use;
}

/// Looks whether the intervals are as the budgets and the sites' time want them.
class Judge {
 public:
  Judge(const Mesh& mesh, const Cast& cast, const TermsTable& terms, const RunClasses& classes,
        std::span<const std::int64_t> lengths)
      : mesh_(mesh), cast_(cast), terms_(terms), classes_(classes), lengths_(lengths), needed_(cast.sites.size(), 0) {}

  bool agrees() { return keeps_budgets() && !could_be_more_often(); }

 private:
  bool keeps_budgets() {
    for (std::uint32_t i = 0; i < cast_.sites.size(); ++i) {
      const SiteSpec& site = *cast_.sites[i];
      if (!site.bytes_per_month) continue;
      Selection own(cast_.sites.size());
      own.add(i);
      const double octets = throughput_run_octets(*mesh_.policy.throughput);
      const Use use = use_of(own, terms_, classes_, lengths_, [&](std::int64_t) { return octets; });
      const double left = static_cast<double>(site.bytes_per_month->count) / seconds_per_month -
                          small_octets_of(mesh_, cast_.sites, site);
      if (!holds(use, left)) return false;
      needs({i}, use, left);
    }
    for (const UplinkSpec& uplink : mesh_.uplinks) {
      if (uplink.share >= 1) continue;
      Selection over(cast_.sites.size());
      std::vector<std::uint32_t> sites;
      for (std::uint32_t i = 0; i < cast_.sites.size(); ++i)
        if (cast_.sites[i]->uplink == uplink.name) sites.push_back(i);
      for (const std::uint32_t site : sites) over.add(site);
      const Use use = use_of(over, terms_, classes_, lengths_, seconds);
      if (!holds(use, uplink.share)) return false;
      needs(sites, use, uplink.share);
    }
    return true;
  }

  /// A budget that was raised, or sites that left, may make what was rare needlessly so.
  bool could_be_more_often() {
    if (!classes_.least_auto) return false;
    for (std::uint32_t i = 0; i < cast_.sites.size(); ++i) {
      const auto level = level_of(i);
      if (!level || *level <= *classes_.least_auto) continue;
      Selection sends(cast_.sites.size());
      Selection receives(cast_.sites.size());
      for (std::uint32_t k = 0; k < cast_.sites.size(); ++k)
        if (cast_.unit_of[k] == cast_.unit_of[i]) sends.from[k] = receives.to[k] = true;
      if (!mesh_.policy.throughput->full_duplex) sends.to = receives.to;
      needs({i}, use_of(sends, terms_, classes_, lengths_, seconds), auto_share);
      needs({i}, use_of(receives, terms_, classes_, lengths_, seconds), auto_share);
      const double wanted_s = kept_while * needed_[i];
      if (wanted_s >= to_seconds(*level)) continue;
      if (chosen_for(from_seconds(wanted_s), *classes_.least_auto, classes_.given) < *level) return true;
    }
    return false;
  }

  /// The shortest chosen interval of the site's runs.
  std::optional<nanoseconds> level_of(std::uint32_t site) const {
    std::optional<nanoseconds> least;
    const auto look_at = [&](std::uint32_t from, std::uint32_t to) {
      const std::size_t pair = std::size_t{from} * cast_.sites.size() + to;
      if (lengths_[pair] == 0 || terms_.every(from, to)) return;
      const nanoseconds every = classes_.every[classes_.of(pair)];
      if (!least || every < *least) least = every;
    };
    for (std::uint32_t other = 0; other < cast_.sites.size(); ++other) {
      look_at(site, other);
      look_at(other, site);
    }
    return least;
  }

  static bool holds(const Use& use, double capacity) {
    constexpr double rounding = 1 + 1e-9;
    return use.given + use.chosen <= capacity * rounding;
  }
  void needs(const std::vector<std::uint32_t>& sites, const Use& use, double capacity) {
    const double left = capacity - use.given;
    const double interval_s = left > 0 ? use.automatic / left : std::numeric_limits<double>::infinity();
    for (const std::uint32_t site : sites) needed_[site] = std::max(needed_[site], interval_s);
  }
  static double seconds(std::int64_t length) { return to_seconds(nanoseconds(length)); }

  const Mesh& mesh_;
  const Cast& cast_;
  const TermsTable& terms_;
  const RunClasses& classes_;
  std::span<const std::int64_t> lengths_;
  std::vector<double> needed_;  ///< by site: the interval without a given one that its resources ask for, in seconds
};

}  // namespace

std::optional<RunClasses> kept_classes(const Timetable& before, const Cast& cast, const TermsTable& terms,
                                       std::span<const std::uint32_t> ends, const SlotIntervals& intervals) {
  if (intervals.are_too_many) return std::nullopt;
  return Keeper(before, cast, terms).run(ends, intervals);
}

bool keeps_budgets(const Mesh& mesh, const Cast& cast, const TermsTable& terms, const RunClasses& classes,
                   std::span<const std::int64_t> lengths) {
  return Judge(mesh, cast, terms, classes, lengths).agrees();
}

}  // namespace sonde
