// When there is a new timetable: the newest one, and what makes it an old one (another mesh, what runs took, clocks).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "coordinator/config.h"
#include "coordinator/core/clock_guards.h"
#include "coordinator/core/run_lengths.h"
#include "coordinator/io/store_worker.h"
#include "coordinator/store/writer.h"
#include "shared/base/error.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/messages.h"

namespace sonde {

class TimetableDesk {
 public:
  /// How long the loop lets pass between two calls that hand a timetable out (Roster::tick).
  static constexpr nanoseconds tick_every = std::chrono::milliseconds(100);

  /// What the store knows; throws std::runtime_error where it cannot be read.
  void restore(store::Writer& writer, const Mesh& mesh);
  /// A run that was stored, now or in an earlier life, may say that its slot has the wrong length.
  void on_result(const Result& result, const Mesh& mesh);
  /// A clock's error may ask for a wider or a narrower guard.
  Events on_heartbeat(SharedTime now, const SiteId& site, const wire::Heartbeat& heartbeat);

  /// Lengths or guards want another plan, and the last one is long enough ago.
  [[nodiscard]] bool is_due(MonoTime now) const;
  /// Whether they want one at all, once: at start, where nobody has a plan yet and none needs to wait for a quiet
  /// instant.
  bool take_wish() { return std::exchange(wanted_, false); }
  /// A timetable for this mesh, changed in place where there is one, and kept. An Error says what does not fit; the
  /// timetable is then as before.
  Expected<Event> plan(Now now, const Mesh& mesh);
  void keep(io::StoreWorker& store) const;

  /// Only after a plan that succeeded.
  [[nodiscard]] const Timetable& timetable() const { return *timetable_; }
  [[nodiscard]] const RunLengths& lengths() const { return lengths_; }
  /// What is kept free around the runs of sites with uncertain clocks.
  [[nodiscard]] std::map<SiteId, nanoseconds> guards() const { return guards_.guards(); }

 private:
  RunLengths lengths_;
  ClockGuards guards_;
  std::optional<Timetable> timetable_;  ///< also of an earlier life
  bool wanted_ = false;
  MonoTime planned_at_{};
};

}  // namespace sonde
