#include "shared/schedule/checker.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace sonde {
namespace {

/// Works on indices: names are compared once for each slot, which matters for a million of them.
class Check {
 public:
  Check(const Timetable& timetable, const Uplinks& uplinks, const Exceptions& exceptions)
      : timetable_(timetable),
        exceptions_(exceptions),
        duplex_(timetable.policy.throughput && timetable.policy.throughput->full_duplex) {
    std::unordered_map<std::string, std::uint32_t> shared;
    for (const Member& member : timetable.members) {
      index_.emplace(member.site, static_cast<std::uint32_t>(index_.size()));
      const auto uplink = uplinks.find(member.site);
      const auto next = static_cast<std::uint32_t>(unit_names_.size());
      std::uint32_t unit = next;
      if (uplink != uplinks.end()) unit = shared.emplace(uplink->second, next).first->second;
      if (unit == next) unit_names_.push_back(uplink != uplinks.end() ? uplink->second : member.site.str());
      unit_of_.push_back(unit);
    }
    busy_.resize(2 * unit_names_.size());
  }

  std::vector<BrokenRule> run() {
    check_slots();
    check_exclusion();
    check_phases();
    return std::move(broken_);
  }

 private:
  struct Busy {
    nanoseconds start;
    nanoseconds end;
    std::uint32_t round;
    const ThroughputSlot* slot;
  };

  void blame(Rule rule, const Link& link, std::string with = "") {
    if (broken_.size() < most_broken_rules) broken_.push_back({rule, link, std::move(with)});
  }

  std::optional<std::pair<std::uint32_t, std::uint32_t>> ends(const Link& link) {
    const auto from = index_.find(link.from);
    const auto to = index_.find(link.to);
    if (from != index_.end() && to != index_.end() && from != to) return std::pair(from->second, to->second);
    blame(Rule::unknown_site, link);
    return std::nullopt;
  }

  std::size_t pair_index(std::uint32_t from, std::uint32_t to) const { return std::size_t{from} * index_.size() + to; }

  void check_slots() {
    std::vector<bool> seen(index_.size() * index_.size());
    if (timetable_.throughput_every < timetable_.cycle) blame(Rule::outside_cycle, {});
    for (const ThroughputSlot& slot : timetable_.slots) {
      const auto sites = ends(slot.link);
      if (!sites) continue;
      const auto [from, to] = *sites;
      const Member& source = timetable_.members[from];
      const Member& sink = timetable_.members[to];
      if (!source.has_agent || !sink.has_agent || !(source.inbound || sink.inbound)) blame(Rule::no_agent, slot.link);
      if (slot.length <= nanoseconds(0) || slot.start < nanoseconds(0)) blame(Rule::bad_length, slot.link);
      if (slot.start + slot.length > timetable_.cycle) blame(Rule::outside_cycle, slot.link);
      if (slot.round.number >= timetable_.rounds) blame(Rule::same_round, slot.link);
      if (seen[pair_index(from, to)]) blame(Rule::repeated, slot.link);
      seen[pair_index(from, to)] = true;
      occupy(slot, from, to);
    }
    if (timetable_.policy.throughput)
      check_missing(seen, [&](const Link& link, const Member& from, const Member& to) {
        return to.has_agent && (from.inbound || to.inbound) && !exceptions_.unmeasured.contains(link) &&
               !exceptions_.no_throughput.contains(link);
      });
  }

  /// Every repetition within throughput_every, at both ends.
  void occupy(const ThroughputSlot& slot, std::uint32_t from, std::uint32_t to) {
    const nanoseconds every = timetable_.interval(slot);
    if (every <= nanoseconds(0) || timetable_.throughput_every % every != nanoseconds(0))
      return blame(Rule::bad_interval, slot.link);
    if (slot.start + slot.length > every) blame(Rule::outside_cycle, slot.link);
    const std::uint32_t source = 2 * unit_of_[from];
    const std::uint32_t sink = 2 * unit_of_[to] + (duplex_ ? 1 : 0);
    for (nanoseconds shift{0}; shift < timetable_.throughput_every; shift += every) {
      const Busy busy{shift + slot.start, shift + slot.start + slot.length, slot.round.number, &slot};
      busy_[source].push_back(busy);
      // One run inside an uplink keeps it busy once.
      if (source != sink) busy_[sink].push_back(busy);
    }
  }

  template <typename Takes>
  void check_missing(const std::vector<bool>& seen, const Takes& takes) {
    for (std::uint32_t from = 0; from < index_.size(); ++from)
      for (std::uint32_t to = 0; to < index_.size(); ++to) {
        if (from == to || !timetable_.members[from].has_agent) continue;
        const Link link{timetable_.members[from].site, timetable_.members[to].site};
        const bool wanted = takes(link, timetable_.members[from], timetable_.members[to]);
        if (wanted != seen[pair_index(from, to)]) blame(wanted ? Rule::missing : Rule::unwanted, link);
      }
  }

  void check_exclusion() {
    for (std::uint32_t half = 0; half < busy_.size(); ++half) {
      const std::uint32_t unit = half / 2;
      std::vector<Busy>& busy = busy_[half];
      sort_by(busy, &Busy::start);
      for (std::size_t i = 1; i < busy.size(); ++i)
        if (busy[i].start < busy[i - 1].end) blame(Rule::overlap, busy[i].slot->link, unit_names_[unit]);
      sort_by(busy, &Busy::round);
      for (std::size_t i = 1; i < busy.size(); ++i)
        if (busy[i].round == busy[i - 1].round && busy[i].slot != busy[i - 1].slot)
          blame(Rule::same_round, busy[i].slot->link, unit_names_[unit]);
    }
  }

  /// Slots mostly are in order already, and there may be a million of them.
  template <typename Member>
  static void sort_by(std::vector<Busy>& busy, Member Busy::* key) {
    if (!std::ranges::is_sorted(busy, {}, key)) std::ranges::sort(busy, {}, key);
  }

  void check_phases() {
    const auto outside = [](nanoseconds phase, nanoseconds every) { return phase < nanoseconds(0) || phase >= every; };
    const Policy& policy = timetable_.policy;
    std::vector<bool> seen(index_.size() * index_.size());
    for (const LinkPhase& phase : timetable_.phases) {
      const auto sites = ends(phase.link);
      if (!sites) continue;
      const std::size_t pair = pair_index(sites->first, sites->second);
      if (seen[pair]) blame(Rule::repeated, phase.link);
      seen[pair] = true;
      if ((policy.latency && outside(phase.latency_phase, policy.latency->every)) ||
          (policy.connect && outside(phase.connect_phase, policy.connect->every)))
        blame(Rule::bad_phase, phase.link);
    }
    if (policy.latency || policy.connect)
      check_missing(seen, [&](const Link& link, const Member&, const Member& to) {
        return (to.inbound || !to.has_agent) && !exceptions_.unmeasured.contains(link);
      });
  }

  const Timetable& timetable_;
  const Exceptions& exceptions_;
  bool duplex_;
  std::unordered_map<SiteId, std::uint32_t> index_;
  std::vector<std::uint32_t> unit_of_;
  std::vector<std::string> unit_names_;
  std::vector<std::vector<Busy>> busy_;  ///< [2 * unit], and with full duplex [2 * unit + 1] for what it receives
  std::vector<BrokenRule> broken_;
};

}  // namespace

std::string_view name(Rule rule) {
  switch (rule) {
    case Rule::unknown_site: return "unknown_site";
    case Rule::no_agent: return "no_agent";
    case Rule::bad_length: return "bad_length";
    case Rule::outside_cycle: return "outside_cycle";
    case Rule::overlap: return "overlap";
    case Rule::same_round: return "same_round";
    case Rule::repeated: return "repeated";
    case Rule::missing: return "missing";
    case Rule::unwanted: return "unwanted";
    case Rule::bad_interval: return "bad_interval";
    case Rule::bad_phase: return "bad_phase";
  }
  return "unknown";
}

std::vector<BrokenRule> broken_rules(const Timetable& timetable, const Uplinks& uplinks, const Exceptions& exceptions) {
  return Check(timetable, uplinks, exceptions).run();
}

}  // namespace sonde
