#include "coordinator/core/path_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sonde {
namespace {

/// An answer of a router may wait for its slow path; less than this is no step.
constexpr nanoseconds least_step = std::chrono::milliseconds(5);
constexpr double least_share = 0.25;

/// Counters that say that something is wrong.
constexpr std::array troubles{"rx_errors",        "tx_errors",  "rx_dropped",     "tx_dropped",
                              "rx_missed_errors", "collisions", "carrier_changes"};

bool same_flow(const PathTrace& a, const PathTrace& b) { return a.source == b.source && a.target == b.target; }

std::string clock_of(SharedTime at) {
  // "2026-01-02T03:04:05.000000Z" -> "2026-01-02 03:04:05 UTC"
  const std::string text = format_rfc3339(at);
  return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 8));
}

std::string milliseconds(nanoseconds t) { return fmt::format("{:.1f} ms", to_seconds(t) * 1e3); }

std::string count_hops(std::size_t count) { return fmt::format("{} {}", count, count == 1 ? "hop" : "hops"); }

std::string end_of(const PathTrace& now) {
  if (now.hops.empty()) return "no hop on the way answers, and neither does the far site";
  const Hop& last = now.hops.back();
  const std::string where = fmt::format("hop {} ({})", now.hops.size(), last.address);
  switch (last.kind) {
    case HopKind::refused: return fmt::format("the far host ({}) answers that nobody listens there", last.address);
    case HopKind::unreachable: return fmt::format("{} says that it goes no further", where);
    case HopKind::silent:
    case HopKind::target:
    case HopKind::router: break;
  }
  return fmt::format("nothing answers behind {}", where);
}

void add_reach(const PathTrace& now, std::vector<PathFinding>& out) {
  if (!now.reached) out.push_back({"path_ends", end_of(now)});
}

void add_comparison(const PathEvidence& evidence, std::vector<PathFinding>& out) {
  const PathTrace& now = evidence.now;
  if (!evidence.before) {
    out.push_back({"path_unknown_before", "no earlier look at this way is there to compare it with"});
    return;
  }
  const PathTrace& before = *evidence.before;
  const std::string when = clock_of(before.began_at);
  if (!same_flow(before, now)) {
    out.push_back({"path_other_flow", fmt::format("it cannot be compared with that of {}, which was of another flow "
                                                  "({} to {})",
                                                  when, before.source, before.target)});
    return;
  }
  if (const auto hop = changed_hop(before, now)) {
    out.push_back({"path_changed", fmt::format("the path changed at hop {}: {} instead of {} (as of {})", *hop,
                                               now.hops[*hop - 1].address, before.hops[*hop - 1].address, when)});
    return;
  }
  if (now.reached && now.hops.size() != before.hops.size()) {
    out.push_back({"path_changed", fmt::format("the path has {} instead of {} (as of {})", count_hops(now.hops.size()),
                                               before.hops.size(), when)});
    return;
  }
  if (now.reached)
    out.push_back({"path_same", fmt::format("the path is that of {} ({})", when, count_hops(before.hops.size()))});
  else if (!now.hops.empty())
    out.push_back({"path_same", fmt::format("as far as it answers the path is that of {}, which had {}", when,
                                            count_hops(before.hops.size()))});
}

void add_step(const PathEvidence& evidence, std::vector<PathFinding>& out) {
  if (!evidence.before) return;
  if (const auto step = slow_hop(*evidence.before, evidence.now))
    out.push_back({"step_at_hop", fmt::format("from hop {} ({}) on answers take {} longer than before", step->hop,
                                              evidence.now.hops[step->hop - 1].address, milliseconds(step->by))});
}

void add_mtu(const PathEvidence& evidence, std::vector<PathFinding>& out) {
  const PathTrace& now = evidence.now;
  if (now.mtu == 0 || now.mtu >= now.interface_mtu) return;
  const std::string was = evidence.before && evidence.before->mtu > 0 && evidence.before->mtu != now.mtu
                              ? fmt::format("; before it was {}", evidence.before->mtu)
                              : std::string();
  if (now.mtu_black_hole) {
    out.push_back({"mtu_black_hole", fmt::format("packets over {} octets vanish and no router says so (the interface "
                                                 "sends up to {}){}",
                                                 now.mtu, now.interface_mtu, was)});
  } else {
    out.push_back({"path_mtu", fmt::format("the path MTU is {} octets{}{}", now.mtu,
                                           now.mtu_told_by.empty() ? "" : ", as " + now.mtu_told_by + " says", was)});
  }
}

/// Since the look before, where the counter has not begun anew, else during this one.
void add_interface(const PathEvidence& evidence, std::vector<PathFinding>& out) {
  const PathTrace& now = evidence.now;
  std::string text;
  for (const InterfaceCounter& counter : now.counters) {
    if (std::ranges::find(troubles, counter.name) == troubles.end()) continue;
    std::uint64_t grown = counter.change;
    std::string since = "during the look";
    if (evidence.before && evidence.before->interface == now.interface) {
      const auto& earlier = evidence.before->counters;
      const auto was = std::ranges::find(earlier, counter.name, &InterfaceCounter::name);
      if (was != earlier.end() && was->total <= counter.total) {
        grown = counter.total - was->total;
        since = "since " + clock_of(evidence.before->began_at);
      }
    }
    if (grown > 0) text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", grown, counter.name, since);
  }
  if (!text.empty())
    out.push_back(
        {"interface_trouble", fmt::format("interface {} at {}: {}", now.interface, evidence.link.from.str(), text)});
}

}  // namespace

std::optional<std::size_t> changed_hop(const PathTrace& before, const PathTrace& now) {
  if (!same_flow(before, now)) return std::nullopt;
  const std::size_t common = std::min(before.hops.size(), now.hops.size());
  const auto says_who = [](const Hop& hop) { return hop.kind == HopKind::router || hop.kind == HopKind::target; };
  for (std::size_t i = 0; i < common; ++i)
    if (says_who(before.hops[i]) && says_who(now.hops[i]) && before.hops[i].address != now.hops[i].address)
      return i + 1;
  return std::nullopt;
}

std::optional<SlowHop> slow_hop(const PathTrace& before, const PathTrace& now) {
  if (!same_flow(before, now) || changed_hop(before, now)) return std::nullopt;
  std::optional<SlowHop> found;
  const std::size_t common = std::min(before.hops.size(), now.hops.size());
  for (std::size_t i = 0; i < common; ++i) {
    const auto& was = before.hops[i].rtt;
    const auto& is = now.hops[i].rtt;
    if (!was || !is) continue;
    const nanoseconds by = *is - *was;
    const nanoseconds step =
        std::max(least_step, nanoseconds(static_cast<std::int64_t>(least_share * static_cast<double>(was->count()))));
    // A single slow router is its own matter: whatever lies behind a slow stretch is slow, too.
    if (by < step)
      found.reset();
    else if (!found)
      found = SlowHop{i + 1, by};
    else
      found->by = by;
  }
  return found;
}

std::vector<PathFinding> findings_of(const PathEvidence& evidence) {
  const PathTrace& now = evidence.now;
  std::vector<PathFinding> out;
  if (now.sent == 0) {
    out.push_back({"path_not_taken", "no look was taken: " + (now.trouble.empty() ? "nothing was sent" : now.trouble)});
    return out;
  }
  add_reach(now, out);
  add_mtu(evidence, out);
  add_comparison(evidence, out);
  add_step(evidence, out);
  add_interface(evidence, out);
  if (!now.trouble.empty()) out.push_back({"path_trouble", now.trouble});
  return out;
}

std::string text_of(const PathEvidence& evidence) {
  std::string text;
  for (const PathFinding& finding : findings_of(evidence)) text += (text.empty() ? "" : "; ") + finding.text;
  return fmt::format("{} -> {}: {}", evidence.link.from.str(), evidence.link.to.str(), text);
}

std::string hops_text(const PathTrace& trace) {
  std::string text;
  for (std::size_t i = 0; i < trace.hops.size(); ++i) {
    const Hop& hop = trace.hops[i];
    text += fmt::format("{}{} {}{}", i == 0 ? "" : ", ", i + 1, hop.kind == HopKind::silent ? "*" : hop.address,
                        hop.rtt ? " " + milliseconds(*hop.rtt) : std::string());
  }
  return text;
}

PathFacts facts_of(const PathEvidence& evidence) {
  const PathTrace& now = evidence.now;
  PathFacts facts;
  if (now.mtu_black_hole) facts.lost_above = now.mtu;
  if (!evidence.before || now.hops.empty() || !same_flow(*evidence.before, now)) return facts;
  if (changed_hop(*evidence.before, now))
    facts.path_changed = true;
  else if (now.reached)
    facts.path_changed = now.hops.size() != evidence.before->hops.size();
  return facts;
}

}  // namespace sonde
