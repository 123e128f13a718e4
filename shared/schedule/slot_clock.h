// Which runs of a timetable begin now. Pure: fed with shared time, it answers what is due and when to ask again.
//
// Promises, whatever the clock does between two questions:
// - a slot is started at most once, also where the clock goes backwards over it;
// - a slot whose time has passed is started or told as missed, never forgotten; many that were missed at once (a clock
//   that jumped, a host that slept) are told as one Due for each link and probe, with their number;
// - what begins is never later than `tolerance` after its instant, so that nothing bunches;
// - a new generation takes over exactly at its effective_at; a slot of the old one that would reach beyond is missed;
// - a slot in the quiet hours of one of its sites is neither started nor missed;
// - nothing from before the first question is due.
//
// Where the clock goes back by more than `back_slack`, slots between the new and the old time that were told as missed
// become due again; those that were started do not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/schedule/timetable.h"

namespace sonde {

class SlotClock {
 public:
  static constexpr nanoseconds tolerance = std::chrono::milliseconds(500);
  static constexpr nanoseconds back_slack = std::chrono::seconds(2);
  /// Generations that wait for their instant; the oldest is dropped for one more, the newer replace it anyway.
  static constexpr std::size_t most_waiting = 8;
  /// Separate spans of started slots remembered for each link and probe; the two oldest become one.
  static constexpr std::size_t most_spans = 8;
  /// Slots that are looked at for quiet hours after a jump of the clock.
  static constexpr std::int64_t most_quiet_looked_at = 10'000;

  struct Due {
    enum class Kind : std::uint8_t { throughput, connect };
    Kind kind = Kind::throughput;
    Link link;
    Round round;              ///< throughput: k * rounds + round of the cycle; connect: k; cut to 32 bits
    SharedTime scheduled_at;  ///< of the newest where several were missed
    nanoseconds length{0};    ///< throughput: the slot; connect: the timeout
    Generation generation;
    bool missed = false;
    std::uint64_t count = 1;  ///< slots that this stands for; above 1 only where missed
  };

  /// Takes a timetable (Timetable::for_site is enough). False, and nothing changes, where its generation is not newer
  /// than every one before. Only slots that begin at `self` become due.
  bool set(Timetable own, const SiteId& self);
  /// Everything whose instant has come since the last question, those to start first, each group in order of time.
  std::vector<Due> due(SharedTime now);
  /// When to ask again: max where there is no timetable, min before the first question.
  SharedTime next() const { return next_; }
  /// The generation that is carried out; 0 without one.
  Generation generation() const { return current_ ? current_->timetable.generation : Generation{}; }

 private:
  /// Something that happens at base + k * every for k = 0, 1, 2 ...
  struct Series {
    Due::Kind kind = Due::Kind::throughput;
    Link link;
    SharedTime base;
    nanoseconds every{0};
    nanoseconds length{0};
    Round round;
    std::vector<DailyHours> quiet;                               ///< slots that meet them neither begin nor are missed
    std::vector<std::pair<std::int64_t, std::int64_t>> started;  ///< spans of k, ascending

    bool same_instants(const Series& other) const { return base == other.base && every == other.every; }
    bool is_quiet(std::int64_t k) const;
    std::int64_t quiet_among(std::int64_t first, std::int64_t last) const;
    bool was_started(std::int64_t k) const;
    void mark_started(std::int64_t k);
    std::int64_t not_started(std::int64_t first, std::int64_t last, std::int64_t& newest) const;
    /// Least k >= 0 whose instant is not before t.
    std::int64_t first_not_before(SharedTime t) const;
    SharedTime at(std::int64_t k) const { return base + k * every; }
  };
  struct Carried {
    Timetable timetable;
    std::vector<Series> series;
  };

  static Carried carried(Timetable timetable, const SiteId& self);
  void take_over(Carried next);
  bool clashes(const Series& series, SharedTime at) const;
  void advance(SharedTime before, std::optional<SharedTime> end, SharedTime now, std::vector<Due>& out);
  void advance_series(Series& series, SharedTime before, std::optional<SharedTime> end, SharedTime now,
                      std::vector<Due>& out);
  void settle_next();

  std::optional<Carried> current_;
  std::vector<Carried> waiting_;           ///< ascending by generation and by effective_at
  std::optional<SharedTime> decided_;      ///< every instant before it is decided; nullopt before the first question
  SharedTime busy_until_{nanoseconds(0)};  ///< end of the last run that was started
  SharedTime next_ = SharedTime::max();
};

}  // namespace sonde
