// What one probe brought on one link, as the live matrix keeps it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "coordinator/core/reading.h"
#include "coordinator/core/rollup.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"

namespace sonde {

/// What a cell's state and age are made of; none of it depends on a window.
struct SeriesFacts {
  static constexpr SharedTime never = SharedTime::min();

  SharedTime last = never;      ///< finished_at of the newest reading of all: before it the facts are others
  SharedTime source = never;    ///< of the newest result with the metric, or with what it is made of
  SharedTime evidence = never;  ///< of the newest run that did what it could for the metric
  bool idle_evidence = false;   ///< there is some that is not only of a loaded path
  bool unsynced = false;        ///< the newest evidence is of a delay that the clocks hide
  bool down = false;            ///< the last two tried runs brought nothing
  bool tried = false;           ///< any run was
};

/// Readings ordered by finished_at. Of an empty one nothing is allocated.
class Series {
 public:
  /// So many tried runs without a value mean that a link is down; the newest of them stay however old they are.
  static constexpr std::size_t failures_that_mean_down = 2;

  void insert(Reading reading);
  /// Takes over newest() and tried() as readings without values.
  void insert_earlier(const RollUp& roll);
  /// The bits were brought then, by a reading that need not be kept.
  void saw(MetricMask mask, SharedTime finished_at);
  void saw(const Series& other, SharedTime until);

  std::span<const Reading> readings() const { return std::span(kept_).subspan(begin_); }
  std::size_t tried() const { return tried_; }
  /// The oldest reading, where it is older than this and no longer needed; nullptr: there is none.
  const Reading* droppable(SharedTime limit) const;
  void drop_oldest();

  /// As of `at`: what finished later counts nowhere.
  SeriesFacts facts(Metric metric, SharedTime at) const;

 private:
  std::optional<SharedTime> newest_with(MetricMask any_of, SharedTime at) const;
  bool down(MetricMask wanted, SharedTime at) const;

  std::vector<Reading> kept_;  ///< the first `begin_` of them are gone
  std::size_t begin_ = 0;
  std::size_t tried_ = 0;  ///< of those that are kept
  /// When bits of MetricMask were brought last, also where the reading is gone. Each bit stands once.
  std::vector<std::pair<MetricMask, SharedTime>> newest_;
};

}  // namespace sonde
