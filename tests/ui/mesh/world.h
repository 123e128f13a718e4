// The mesh that the page is looked at with: towns, what their links are like, and what agents there would report. Pure:
// the same number of sites gives the same world.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shared/base/random.h"
#include "shared/measure/result.h"

namespace sonde::page {

struct Town {
  std::string name;
  double latitude = 0;   ///< degrees
  double longitude = 0;  ///< degrees
  std::string group;
};

class World {
 public:
  /// `well`: no link loses packets or is dead, as in a mesh on a good day.
  World(std::size_t sites, bool well);

  std::size_t size() const { return towns_.size(); }
  const Town& town(std::size_t i) const { return towns_[i]; }

  /// What a run that ended at `at` brought; seq and spool are the caller's to fill in. Some links lose packets, some
  /// answer nothing at all, some have two ways of unequal length, and all are slower in working hours (UTC).
  Result latency(std::size_t from, std::size_t to, SharedTime at);
  Result connect(std::size_t from, std::size_t to, SharedTime at);
  Result throughput(std::size_t from, std::size_t to, SharedTime at);

 private:
  struct LinkModel {
    double base_s = 0;  ///< round trip without a queue
    double spread_s = 0;
    double loss = 0;
    double rate = 0;  ///< bit/s
    bool dead = false;
    bool two_ways = false;
  };
  LinkModel& link(std::size_t from, std::size_t to) { return links_[from * size() + to]; }
  Result blank(std::size_t from, std::size_t to, SharedTime at, Probe probe) const;

  Random random_{7};
  std::vector<Town> towns_;
  std::vector<LinkModel> links_;
};

}  // namespace sonde::page
