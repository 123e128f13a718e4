// Greedy packing: whenever a unit becomes free, it takes the free partner that has the most work left; private to
// packing.cpp. Weights that are drawn anew for each try make many different packings, of which the shortest is kept.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <utility>
#include <vector>

#include "coordinator/core/packing.h"
#include "shared/base/random.h"

namespace sonde {

class Dispatcher {
 public:
  Dispatcher(std::span<const Job> jobs, std::uint32_t units);

  /// The order in which jobs start, every unit's work counting as it is.
  const std::vector<std::uint32_t>& run();
  /// Another order: each unit's work counts up to a quarter more or less, and the shorter of two jobs that a pair of
  /// units has is sometimes taken first.
  const std::vector<std::uint32_t>& run(Random& random);

 private:
  using End = std::pair<std::int64_t, std::uint32_t>;

  const std::vector<std::uint32_t>& dispatch(Random* random);
  std::size_t between(std::uint32_t a, std::uint32_t b) const;
  void start_what_can(Random* random);
  std::optional<std::uint32_t> partner_of(std::uint32_t unit) const;
  void start(std::uint32_t a, std::uint32_t b, Random* random);
  void occupy(std::uint32_t unit, std::int64_t length);
  bool comes_first(std::uint32_t x, std::uint32_t y) const {
    return rank_[x] != rank_[y] ? rank_[x] > rank_[y] : x < y;
  }

  std::uint32_t units_;
  std::size_t words_;                  ///< of 64 bits, for a bit for each unit
  std::vector<std::int64_t> lengths_;  ///< by job
  std::vector<std::uint32_t> jobs_;    ///< grouped by pair of units, the longest last in each
  std::vector<std::uint32_t> first_;   ///< [pair] the first of its jobs in jobs_
  std::vector<std::int64_t> loads_;
  std::vector<std::uint64_t> all_partners_;  ///< words_ for each unit: those that it has jobs with

  std::vector<std::uint32_t> begin_;  ///< [pair] what is left of its jobs
  std::vector<std::uint32_t> end_;
  std::vector<std::int64_t> left_;  ///< work of a unit that has not been started
  std::vector<double> weights_;
  std::vector<double> rank_;             ///< left_ * weights_
  std::vector<std::uint64_t> partners_;  ///< those that it still has jobs with
  std::vector<std::uint64_t> idle_;      ///< a bit for each unit
  std::vector<std::uint32_t> freed_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<std::uint32_t> order_;
  std::int64_t now_ = 0;
  double shorter_first_ = 0;
};

}  // namespace sonde
