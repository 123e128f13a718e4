// What a window of one link holds of one metric, as a sum that readings can be added to and taken away from. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "coordinator/core/aggregate.h"
#include "coordinator/core/reading.h"
#include "shared/base/time.h"

namespace sonde {

/// Takes everything in whole numbers, so that what is left after any additions and removals is bit for bit what
/// adding the rest to an empty sum would have given.
class WindowSum {
 public:
  /// Nothing where the reading brought no value of this metric.
  void add(const Reading& reading, Metric metric);
  /// A reading that was added. Afterwards `ends_open` may be true; then set_ends has to come before value().
  void remove(const Reading& reading, Metric metric);
  /// What is left may begin or end elsewhere, or have a smaller error, than the sum knows.
  bool ends_open() const { return ends_open_; }
  /// `rest`: a superset of the readings in the sum, of which those count that finished in (after, until].
  void set_ends(std::span<const Reading> rest, Metric metric, SharedTime after, SharedTime until);

  std::uint64_t count(Metric metric) const;
  /// Every statistic but those that go over results; their value is left out.
  WindowValue value(Metric metric, Stat stat) const;

 private:
  SampleSum samples_;
  std::uint64_t hits_ = 0;
  std::uint64_t tries_ = 0;
  float worst_error_s_ = 0;
  bool ends_open_ = false;
};

/// True where the reading holds a value of this metric, and not only the word that there was one.
inline bool counts(const Reading& reading, Metric metric) {
  return reading.has(mask_of(metric)) && !reading.packed.empty();
}

/// The number that a result adds to a statistic over results, in the metric's unit.
double point_of(const Reading& reading, Metric metric);

/// One cell's window that goes with the time: readings that come are added, readings that leave it are taken away, and
/// its value is at hand. It is the same, bit for bit, as aggregate() of the same readings.
class KeptWindow {
 public:
  /// True where a value can be kept: not for ewma, which looks at all results anew, nor for a ratio of two metrics or a
  /// metric whose value depends on how many samples there are.
  static bool can_keep(Metric metric, Stat stat);

  /// The query's `at` is ignored; it is the same in all calls. `readings` are those that are kept, ordered by
  /// finished_at. After `fresh` was put among them.
  void on_reading(const Reading& fresh, std::span<const Reading> readings, const CellQuery& query);
  /// Before `old` leaves them.
  void on_drop(const Reading& old, const CellQuery& query);
  /// On to a later instant; an earlier one changes nothing.
  void advance(SharedTime at, std::span<const Reading> readings, const CellQuery& query) {
    if (at >= next_change_)
      move(at, readings, query);
    else if (at > at_)
      at_ = at;
  }
  /// Up to which instant results count.
  SharedTime at() const { return at_; }
  const WindowValue& value() const { return value_; }

 private:
  void move(SharedTime at, std::span<const Reading> readings, const CellQuery& query);
  void settle(std::span<const Reading> readings, const CellQuery& query);

  SharedTime at_ = SharedTime::min();
  SharedTime next_change_ = SharedTime::min();  ///< when a reading leaves the window or comes into it by itself
  WindowValue value_;
  std::unique_ptr<WindowSum> sum_;  ///< null: nothing counts
};

}  // namespace sonde
