// Whether a timetable keeps the rules: written without regard to how the planner works, so that each proves the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/base/ids.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// The uplink of each site that names one.
using Uplinks = std::unordered_map<SiteId, std::string>;

enum class Rule : std::uint8_t {
  unknown_site,   ///< a slot or phase names a site that is no member, or both ends are one
  no_agent,       ///< a slot's end has no agent, or neither of its sites can be reached
  bad_length,     ///< a slot has no length, or begins before the cycle
  outside_cycle,  ///< a slot ends after the cycle or its interval, or the cycle is longer than throughput_every
  overlap,        ///< a site or uplink is in two slots at one time (with full duplex: in one direction)
  same_round,     ///< the same within one round, or a round's number is not below `rounds`
  repeated,       ///< a link has two slots in a cycle, or two phases
  missing,        ///< a link that should be measured has no slot or no phase
  unwanted,       ///< a link that should not be measured has a slot or a phase
  bad_interval,   ///< a slot's own interval does not divide throughput_every
  bad_phase,      ///< a phase is outside its interval
};
std::string_view name(Rule rule);

struct BrokenRule {
  Rule rule;
  Link link;         ///< the slot or phase that breaks it
  std::string with;  ///< the site or uplink that is in two at a time; else empty
};

/// At most this many are told; one is too many anyway.
inline constexpr std::size_t most_broken_rules = 1000;

/// Links that the configuration takes out.
struct Exceptions {
  std::set<Link> unmeasured;     ///< no probe at all
  std::set<Link> no_throughput;  ///< no throughput slot; those that are unmeasured need not be in it again
};

/// Empty for a timetable that keeps every rule. Checks whole timetables, not Timetable::for_site parts.
std::vector<BrokenRule> broken_rules(const Timetable& timetable, const Uplinks& uplinks,
                                     const Exceptions& exceptions = {});

}  // namespace sonde
