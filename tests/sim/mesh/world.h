// A mesh in one process, on a clock that only moves when everything that is due has been done: production code of the
// coordinator (planner, roster, audit) and of the agents (session, prober, transfer desk), between them a network that
// loses and parts, under hosts whose clocks drift and step, that sleep, die and return. Everything random comes from
// one seed, so that a run repeats to the last event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/time.h"

namespace sonde::sim {

struct WorldSettings {
  std::uint64_t seed = 1;
  std::uint32_t sites = 20;
  nanoseconds length = std::chrono::hours(2);
  /// Faults happen until this long before the end: then everything must heal.
  nanoseconds calm = std::chrono::minutes(50);
  nanoseconds autonomy = std::chrono::minutes(10);
  double faults = 1;           ///< how many: 0 none, 1 about one for each host
  bool full_duplex = false;    ///< of the policy
  std::uint32_t uplinks = 2;   ///< each of two sites
  bool without_books = false;  ///< sabotage: agents keep no book of their runs, and some clocks are told wrong
  std::function<void(double)> progress{};  ///< told the share that is done, now and then
};

struct WorldReport {
  std::vector<std::string> conflicts;  ///< two runs at one site or uplink
  std::vector<std::string> broken;     ///< other promises: autonomy, take-over, coverage
  std::uint64_t events = 0;            ///< of the simulation
  std::uint64_t runs_ok = 0;
  std::uint64_t runs_busy = 0;
  std::uint64_t runs_skipped = 0;
  std::uint64_t runs_failed = 0;
  std::uint64_t generations = 0;
  std::uint64_t steps = 0;
  std::uint64_t deaths = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t partitions = 0;
  std::uint64_t coordinator_deaths = 0;
  std::uint64_t audited_overlaps = 0;  ///< as the coordinator's own audit saw them
  std::uint64_t fingerprint = 0;       ///< of all results; equal for equal seeds
};

/// Runs the whole length.
WorldReport run_world(const WorldSettings& settings);

}  // namespace sonde::sim
