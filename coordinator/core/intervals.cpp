#include "coordinator/core/intervals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/probe_cost.h"

namespace sonde {
namespace {

/// Multiples of an interval that are tried as the one between two others.
constexpr int most_multiples = 10'000;

/// Something that runs use up: the time of a unit, an uplink's share, a site's octets.
struct Resource {
  Misfit::About about;
  std::string name;
  double capacity = 0;                ///< a second: busy seconds, or octets
  std::vector<std::uint32_t> runs{};  ///< those that use it
  bool in_octets = false;
};

/// Of a million runs there are few different intervals.
void add_once(std::vector<nanoseconds>& list, nanoseconds every) {
  if (std::ranges::find(list, every) == list.end()) list.push_back(every);
}

nanoseconds from_s(double s) { return nanoseconds(std::llround(std::ceil(s) * 1e9)); }

/// Shares of resources are sums of many parts.
constexpr double rounding = 1 + 1e-9;

class Assignment {
 public:
  Assignment(const Mesh& mesh, const std::vector<const SiteSpec*>& sites, const std::vector<WantedRun>& runs,
             std::uint32_t units)
      : mesh_(mesh), sites_(sites), runs_(runs) {
    add_units(units);
    add_budgets();
    add_uplinks();
    for (const WantedRun& run : runs)
      if (run.every) longest_chosen_s_ = std::min(longest_chosen_s_, most_repetitions * to_seconds(*run.every) / 8);
  }

  Intervals run(nanoseconds least_auto, int times) {
    std::vector<nanoseconds> wanted(runs_.size(), least_auto);
    for (const Resource& resource : resources_)
      if (auto misfit = widen(resource, wanted)) return {{}, std::move(misfit)};
    least_auto *= times;
    for (nanoseconds& every : wanted) every *= times;
    std::vector<nanoseconds> given;
    for (const WantedRun& run : runs_)
      if (run.every) add_once(given, *run.every);
    const nanoseconds least = least_chosen(least_auto, given);
    std::vector<nanoseconds> chosen;
    for (std::size_t i = 0; i < runs_.size(); ++i)
      if (!runs_[i].every) add_once(chosen, wanted[i] = level_above(wanted[i], least));
    const Harmonic rounded = harmonic(std::move(given), std::move(chosen));
    Intervals out;
    out.every.reserve(runs_.size());
    for (std::size_t i = 0; i < runs_.size(); ++i)
      out.every.push_back(runs_[i].every ? rounded.given.at(*runs_[i].every) : rounded.chosen.at(wanted[i]));
    for (const Resource& resource : resources_)
      if (const double use = use_of(resource, out.every); use > resource.capacity * rounding)
        return {{}, misfit_of(resource, use)};
    return out;
  }

 private:
  double cost(const Resource& resource, std::uint32_t run) const {
    return resource.in_octets ? throughput_run_octets(*mesh_.policy.throughput) : to_seconds(runs_[run].job.length);
  }

  double use_of(const Resource& resource, std::span<const nanoseconds> every) const {
    double use = 0;
    for (const std::uint32_t run : resource.runs) use += cost(resource, run) / to_seconds(every[run]);
    return use;
  }

  /// Makes the intervals of the links without one long enough for this resource.
  std::optional<Misfit> widen(const Resource& resource, std::vector<nanoseconds>& wanted) const {
    double given = 0;
    double automatic = 0;
    for (const std::uint32_t run : resource.runs)
      if (runs_[run].every)
        given += cost(resource, run) / to_seconds(*runs_[run].every);
      else
        automatic += cost(resource, run);
    const double share = resource.about == Misfit::About::interval ? auto_share : 1;
    const double least_use = given + automatic / (longest_chosen_s_ * share);
    if (given > resource.capacity || resource.capacity < 0) return misfit_of(resource, least_use);
    if (automatic <= 0) return std::nullopt;
    const double left = (resource.capacity - given) * share;
    if (left * longest_chosen_s_ * rounding < automatic) return misfit_of(resource, least_use);
    const double needed = std::min(automatic / left, longest_chosen_s_);
    for (const std::uint32_t run : resource.runs)
      if (!runs_[run].every && needed > to_seconds(wanted[run]) * rounding) wanted[run] = from_s(needed);
    return std::nullopt;
  }

  Misfit misfit_of(const Resource& resource, double use) const {
    Misfit misfit{.about = resource.about, .name = resource.name};
    const double factor = resource.capacity > 0 ? use / resource.capacity : 0;
    const std::string longer =
        factor > 0 ? fmt::format("intervals {:.2f} times as long", std::ceil(factor * 100) / 100) : "no runs there";
    if (resource.in_octets) {
      const double fixed = small_octets(resource.name);
      const double all = (use + fixed) * seconds_per_month;
      misfit.text = fmt::format("{} needs up to {} a month", resource.name, format_gb(all));
      misfit.advice = fmt::format("give at least {}{}", format_gb(all),
                                  factor > 0 ? ", or " + longer : ", or fewer latency probes");
    } else if (resource.about == Misfit::About::uplink_share) {
      misfit.text = fmt::format("the runs over {} take {:.1f} % of the time", resource.name, 100 * use);
      misfit.advice = fmt::format("give at least {:.0f}%, or {}", std::ceil(100 * use), longer);
    } else {
      misfit.text = fmt::format("{} would be in throughput runs {:.0f} % of the time", resource.name, 100 * use);
      misfit.advice = fmt::format("give {}, or a shorter duration", longer);
    }
    return misfit;
  }

  static std::string format_gb(double octets) { return fmt::format("{:.1f}GB", std::ceil(octets / 1e8) / 10); }

  double small_octets(const std::string& name) const {
    const auto site = std::ranges::find(sites_, name, [](const SiteSpec* spec) { return spec->site.str(); });
    return site == sites_.end() ? 0 : small_octets_of(mesh_, sites_, **site);
  }

  void add_units(std::uint32_t units) {
    std::vector<Resource> all(units, Resource{Misfit::About::interval, "", 1});
    for (std::uint32_t i = 0; i < runs_.size(); ++i) {
      const WantedRun& run = runs_[i];
      const auto use = [&](std::uint32_t unit, std::uint32_t site) {
        all[unit].runs.push_back(i);
        if (all[unit].name.empty())
          all[unit].name = sites_[site]->uplink ? "uplink " + *sites_[site]->uplink : sites_[site]->site.str();
      };
      use(run.job.a, run.from);
      if (run.job.b != run.job.a) use(run.job.b, run.to);
    }
    for (Resource& unit : all)
      if (!unit.runs.empty()) resources_.push_back(std::move(unit));
  }

  void add_budgets() {
    for (std::uint32_t site = 0; site < sites_.size(); ++site) {
      if (!sites_[site]->bytes_per_month) continue;
      Resource budget{Misfit::About::site_budget, sites_[site]->site.str(), 0, {}, true};
      budget.capacity =
          static_cast<double>(sites_[site]->bytes_per_month->count) / seconds_per_month - small_octets(budget.name);
      for (std::uint32_t i = 0; i < runs_.size(); ++i)
        if (runs_[i].from == site || runs_[i].to == site) budget.runs.push_back(i);
      resources_.push_back(std::move(budget));
    }
  }

  void add_uplinks() {
    for (const UplinkSpec& uplink : mesh_.uplinks) {
      if (uplink.share >= 1) continue;
      Resource share{Misfit::About::uplink_share, uplink.name, uplink.share};
      for (std::uint32_t i = 0; i < runs_.size(); ++i)
        if (sites_[runs_[i].from]->uplink == uplink.name || sites_[runs_[i].to]->uplink == uplink.name)
          share.runs.push_back(i);
      resources_.push_back(std::move(share));
    }
  }

  static constexpr double longest_auto_s = 366 * seconds_per_day;

  const Mesh& mesh_;
  const std::vector<const SiteSpec*>& sites_;
  const std::vector<WantedRun>& runs_;
  std::vector<Resource> resources_;
  /// Of what is chosen. Rounding makes it up to four times as long, and then it must still be beside the shortest
  /// given.
  double longest_chosen_s_ = longest_auto_s;
};

}  // namespace

namespace {

/// At least `every`, so that it divides `above` and is a multiple of `below` (0: of nothing).
nanoseconds between(nanoseconds every, nanoseconds below, nanoseconds above) {
  if (below == nanoseconds(0)) {
    for (std::int64_t parts = above / every; parts > 1; --parts)
      if (above % parts == nanoseconds(0)) return above / parts;
    return above;
  }
  nanoseconds next = (every + below - nanoseconds(1)) / below * below;
  for (int tries = 0; tries < most_multiples && next < above; ++tries, next += below)
    if (above % next == nanoseconds(0)) return next;
  return above;
}

}  // namespace

double small_octets_of(const Mesh& mesh, const std::vector<const SiteSpec*>& sites, const SiteSpec& site) {
  double octets = 0;
  for (const SiteSpec* other : sites) {
    if (has_latency(mesh, site, *other)) octets += small_probes_octets_per_second(mesh.policy, *other);
    if (has_latency(mesh, *other, site)) octets += small_probes_octets_per_second(mesh.policy, site);
  }
  return octets;
}

Intervals intervals_for(const Mesh& mesh, const std::vector<const SiteSpec*>& sites, const std::vector<WantedRun>& runs,
                        std::uint32_t units, nanoseconds least_auto, int times) {
  return Assignment(mesh, sites, runs, units).run(least_auto, times);
}

nanoseconds level_above(nanoseconds wanted, nanoseconds least) {
  nanoseconds at = least;
  while (at < wanted) at *= 2;
  return at;
}

nanoseconds least_chosen(nanoseconds wanted, const std::vector<nanoseconds>& given) {
  return harmonic(given, {wanted}).chosen.at(wanted);
}

nanoseconds chosen_for(nanoseconds wanted, nanoseconds least, const std::vector<nanoseconds>& given) {
  const nanoseconds level = level_above(wanted, least);
  return harmonic(given, {least, level}).chosen.at(level);
}

Harmonic harmonic(std::vector<nanoseconds> given, std::vector<nanoseconds> chosen) {
  Harmonic out;
  std::ranges::sort(given);
  std::ranges::sort(chosen);
  std::vector<nanoseconds> chain;
  for (const nanoseconds every : given) {
    const nanoseconds at = chain.empty() ? every : every / chain.back() * chain.back();
    if (chain.empty() || at != chain.back()) chain.push_back(at);
    out.given[every] = at;
  }
  for (const nanoseconds every : chosen) {
    if (out.chosen.contains(every)) continue;
    const auto above = std::ranges::lower_bound(chain, every);
    nanoseconds at = every;
    if (above == chain.end()) {
      if (!chain.empty()) at = (every + chain.back() - nanoseconds(1)) / chain.back() * chain.back();
      chain.push_back(at);
    } else {
      at = between(every, above == chain.begin() ? nanoseconds(0) : *std::prev(above), *above);
      if (at != *above) chain.insert(above, at);
    }
    out.chosen[every] = at;
  }
  return out;
}

}  // namespace sonde
