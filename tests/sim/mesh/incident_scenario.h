// Faults by their seed: a mesh, what breaks in it and when, and what the coordinator's rules and causes make of the
// noisy results. No socket, no clock, no waiting.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/incidents.h"
#include "shared/base/random.h"

namespace sonde::sim {

struct ScenarioPlan {
  std::uint64_t seed = 1;
  std::size_t sites = 6;
  std::size_t faults = 1;     ///< 0, 1 or 2 at once
  bool partial = false;       ///< some links of the cause stay well
  bool measuring = false;     ///< no fault of the network: an agent, its CPU, its clock, the coordinator's own way
  double missed = 0.05;       ///< share of bad results that look good
  double false_alarm = 0.01;  ///< share of good results that look bad
  int well_before = 34;       ///< intervals
  int broken = 16;
  int well_after = 16;
};

struct Fault {
  Cause cause;
  std::set<Link> links;  ///< on which it lies
};

/// What came of one scenario. Times are in intervals.
struct ScenarioOutcome {
  Signal signal = Signal::loss;
  std::vector<Fault> faults;
  std::size_t right = 0;          ///< faults whose incident names exactly their cause while they last
  std::size_t incidents = 0;      ///< that were opened
  std::size_t wrong = 0;          ///< of these: whose cause, at last, is no fault's
  std::vector<int> raise;         ///< for each fault that was noticed
  std::vector<int> clear;         ///< for each incident, from the end of the faults to its own
  std::size_t never_cleared = 0;  ///< incidents that are open at the end
  std::size_t maddash_right = 0;
  std::size_t maddash_wrong = 0;  ///< of what it named: no fault
  std::size_t maddash_named = 0;
  std::size_t alerts_by_link = 0;  ///< what one alert for each link would have sent
  std::string story;               ///< for people, where something is not right
};

ScenarioOutcome play(const ScenarioPlan& plan);

}  // namespace sonde::sim
