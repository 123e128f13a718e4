// Who is busy when, within a period that repeats: places runs into the gaps that others leave. Pure.
//
// A run with interval `every` (a divisor of the period) is busy at start + j * every for every j; a run must end before
// its interval does.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/core/packing.h"

namespace sonde {

class SlotBoard {
 public:
  /// A run and its interval; units below `units`.
  struct Run {
    Job job;
    std::int64_t every = 0;  ///< ns, divides the period
  };
  static constexpr std::uint32_t nobody = 0xFFFF'FFFF;

  SlotBoard(std::uint32_t units, std::int64_t period) : period_(period), busy_(units) {}

  /// The earliest start in [from, until - length] at which both units are free in all repetitions.
  std::optional<std::int64_t> first_fit(const Run& run, std::int64_t from, std::int64_t until) const;
  bool is_free(const Run& run, std::int64_t start) const { return !obstacle(run, start); }
  /// Must be free. `name` is told again by runs_of().
  void add(const Run& run, std::int64_t start, std::uint32_t name);
  void remove(const Run& run, std::int64_t start);

  struct Busy {
    std::int64_t start;
    std::int64_t end;
    std::uint32_t name;
  };
  /// Of one unit, in order of time.
  const std::vector<Busy>& busy(std::uint32_t unit) const { return busy_[unit]; }

 private:
  /// Nullopt where it fits; else how late a start must at least be to avoid what is in the way.
  std::optional<std::int64_t> obstacle(const Run& run, std::int64_t start) const;

  std::int64_t period_;
  std::vector<std::vector<Busy>> busy_;
};

}  // namespace sonde
