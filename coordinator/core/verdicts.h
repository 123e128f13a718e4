// What the rules say of every link, result by result: which rules are raised, and how strongly. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/baseline.h"
#include "coordinator/core/causes.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/patterns.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// The memory of one rule on one link. Missing results change nothing.
class Track {
 public:
  void on_verdict(const AlertRule& rule, const Verdict& verdict, SharedTime at);
  /// As it was when the coordinator stopped: raised since then.
  void restore(SharedTime since);

  bool raised() const { return raised_; }
  double value() const { return value_; }
  Observation observation() const;
  bool newest_is(bool bad, SharedTime since) const {
    return known_ > 0 && newest_ > since && ((bits_ & 1U) != 0) == bad;
  }

 private:
  std::uint8_t bits_ = 0;   ///< the last verdicts, the newest lowest; 1: bad
  std::uint8_t known_ = 0;  ///< how many of them there are
  std::uint16_t goods_ = 0;
  std::uint16_t goods_before_ = 0;
  bool raised_ = false;
  float odds_ = 0;   ///< Observation::bad
  float value_ = 0;  ///< of the newest verdict
  SharedTime since_;
  nanoseconds every_{0};
  SharedTime newest_;
};

/// Learns what is usual from good results and then keeps it for a day; after that it learns anew beside it. It never
/// follows what gets worse, however slowly: only its spread grows then.
class UsualValue {
 public:
  enum class Better : std::uint8_t { less, more };
  UsualValue(std::size_t enough, Better better) : enough_(enough), better_(better) {}
  void add(double value, SharedTime at);
  const std::optional<Usual>& usual() const { return usual_; }

 private:
  static constexpr nanoseconds kept = std::chrono::hours(24);
  Usual learnt();
  std::size_t enough_;
  Better better_;
  std::vector<float> learning_;
  std::optional<Usual> usual_;
  SharedTime learnt_at_;
};

/// The metrics of the matrix that a signal's rule judges: where it is raised they are degraded.
std::vector<Metric> degraded_by(Signal signal);

class Verdicts {
 public:
  /// Links of sites that are gone are forgotten, and what no rule looks at any more is not raised.
  void set_mesh(const Mesh& mesh, const AlertPolicy& policy);
  /// `far_agent_gone`: see JudgeContext.
  void on_result(const Result& result, bool far_agent_gone);
  /// That a result came at all, whatever it says and however old it is.
  void on_arrival(const Result& result, SharedTime now);
  /// Where the timetable promised a result and none came. `heard` says of a site whether its agent is; one that is not
  /// is another matter, and its links begin anew when it is heard again. Idempotent, and cheap while nothing is due;
  /// before it is first called nothing was promised.
  template <typename Heard>
  void on_time(SharedTime now, const Heard& heard) {
    for (const auto& [site, place] : places_) note_heard(place, heard(site), now);
    if (now >= next_due_) look_for_missing(now);
  }
  /// So long after it was due a result is not late but missing: it may have waited in a spool.
  static constexpr nanoseconds silence_grace = std::chrono::seconds(30);
  /// Only what is usual is learnt from it.
  void learn(const Result& result);
  /// What is usual in the hour that begins at `hour`: it holds for results of that hour, instead of what was learnt.
  void set_baseline(const Link& link, SharedTime hour, const HourBaseline& baseline);
  void restore(const Link& link, Signal signal, SharedTime since);

  bool raised(const Link& link, Signal signal) const;
  /// The newest verdict's value, in the signal's unit.
  std::optional<double> value(const Link& link, Signal signal) const;
  /// True where the newest verdict is of after `since`, and good; or bad.
  bool good_since(const Link& link, Signal signal, SharedTime since) const;
  bool bad_since(const Link& link, Signal signal, SharedTime since) const;
  /// What the newest results of a link look like; empty where it has none.
  std::vector<std::pair<Pattern, std::string>> patterns(const Link& link, const PathFacts& path) const;
  /// By from x number of sites + to.
  std::vector<Observation> observations(Signal signal) const;
  /// Which of the matrix's metrics are degraded on a link.
  std::unordered_map<Link, std::vector<Metric>> degraded() const;
  const AlertRule& rule(const Link& link, Signal signal) const;
  std::size_t raised_count(Signal signal) const { return raised_.at(static_cast<std::size_t>(signal)); }
  /// Counts every verdict that changed something, so that nothing is computed twice.
  std::uint64_t revision() const { return revision_; }

 private:
  struct LinkState {
    std::array<Track, signal_count> tracks;
    LinkTraits traits;
    /// Made when the first result comes that teaches something.
    std::unique_ptr<UsualValue> round_trip;
    std::unique_ptr<UsualValue> rise;
    std::unique_ptr<UsualValue> one_way;
    std::unique_ptr<UsualValue> rate;
    std::unique_ptr<HourBaseline> baseline;
    SharedTime baseline_hour{};  ///< that it is of
    float round_trip_above = 0;  ///< seconds over what is usual; follows the medians in small steps
    float one_way_above = 0;     ///< likewise
    bool undirected = false;     ///< the latency rule was raised by a drift of the round trip
    std::array<std::optional<SharedTime>, 2> seen{};  ///< when latency, connect brought something last
    std::optional<SharedTime> missed;                 ///< when the last of the missing results was due
    float newest_rate = 0;                            ///< bit/s; 0: none
    SharedTime rate_at{};
  };
  void note_heard(std::size_t place, bool heard, SharedTime now);
  void look_for_missing(SharedTime now);
  SharedTime await(const Link& link, LinkState& state, SharedTime now);
  std::optional<SharedTime> due(const Link& link, const LinkState& state) const;
  void take(LinkState& state, const AlertRule& rule, const Verdict& verdict, SharedTime at);
  void learn(LinkState& state, const Result& result);
  /// Of the result's hour.
  static HourBaseline usual(const LinkState& state, const Result& result);
  std::optional<Drift> drift(LinkState& state, const HourBaseline& known, const Result& result,
                             const AlertRule& rule) const;
  void count_raised();

  Mesh mesh_;
  AlertPolicy policy_;
  std::unordered_map<SiteId, std::size_t> places_;
  std::unordered_map<Link, LinkState> links_;
  std::array<std::size_t, signal_count> raised_{};
  std::vector<std::optional<SharedTime>> heard_since_;  ///< by place; nullopt: not heard
  SharedTime next_due_{};                               ///< before this nothing is missing
  std::uint64_t revision_ = 0;
};

}  // namespace sonde
