// The interval of each throughput run where they differ: as the timetable before has them, and for new runs one of the
// same. Pure; private to patch.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/core/cast.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/terms_table.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// Both ends of a slot, by their places in the cast, in one number.
constexpr std::uint32_t ends_of(std::uint32_t from, std::uint32_t to) { return from << 16U | to; }
constexpr std::uint32_t from_of(std::uint32_t ends) { return ends >> 16U; }
constexpr std::uint32_t to_of(std::uint32_t ends) { return ends & 0xFFFFU; }
/// One of the slot's sites has left.
inline constexpr std::uint32_t gone = 0xFFFF'FFFF;

/// Runs of one class have the same interval.
struct RunClasses {
  std::vector<nanoseconds> every;         ///< the first is the period, which all others divide
  std::vector<std::uint8_t> of_pair;      ///< by from-site x sites + to-site; empty: all runs are of the first class
  std::vector<nanoseconds> given;         ///< what the rules say, each once
  std::optional<nanoseconds> least_auto;  ///< the shortest that nobody gave; nullopt: all are given

  std::uint8_t of(std::size_t pair) const { return of_pair.empty() ? std::uint8_t{0} : of_pair[pair]; }
};

/// The interval of each slot of a timetable, of which there are few.
struct SlotIntervals {
  static constexpr std::size_t most = 255;
  std::vector<nanoseconds> known;
  std::vector<std::uint8_t> of_slot;  ///< by place in `known`
  bool are_too_many = false;          ///< of_slot is not complete

  void add(nanoseconds every) {
    if (are_too_many) return;
    if (known.empty() || known[place_] != every) {
      place_ = static_cast<std::size_t>(std::ranges::find(known, every) - known.begin());
      if (place_ == known.size()) known.push_back(every);
      are_too_many = place_ >= most;
    }
    of_slot.push_back(static_cast<std::uint8_t>(place_));
  }

 private:
  std::size_t place_ = 0;
};

/// `ends`, `intervals`: of each slot of the timetable before. Nullopt where the rules ask for other intervals than it
/// has.
std::optional<RunClasses> kept_classes(const Timetable& before, const Cast& cast, const TermsTable& terms,
                                       std::span<const std::uint32_t> ends, const SlotIntervals& intervals);

/// Whether the budgets of sites and the shares of uplinks hold, and no run would be less rare even if they wanted it
/// twice as rare as they do. `lengths`: by pair, in ns; 0: no run.
bool keeps_budgets(const Mesh& mesh, const Cast& cast, const TermsTable& terms, const RunClasses& classes,
                   std::span<const std::int64_t> lengths);

}  // namespace sonde
