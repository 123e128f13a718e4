// What the rules say of every link, result by result: which rules are raised, and how strongly. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "coordinator/core/alerts.h"
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

/// Learns what is usual from good results and then keeps it for a day; after that it learns anew beside it.
class UsualValue {
 public:
  explicit UsualValue(std::size_t enough) : enough_(enough) {}
  void add(double value, SharedTime at);
  const std::optional<Usual>& usual() const { return usual_; }

 private:
  static constexpr nanoseconds kept = std::chrono::hours(24);
  std::size_t enough_;
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
  /// Only what is usual is learnt from it.
  void learn(const Result& result);
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
    std::unique_ptr<UsualValue> rate;
  };
  void learn(LinkState& state, const Result& result);
  void count_raised();

  Mesh mesh_;
  AlertPolicy policy_;
  std::unordered_map<SiteId, std::size_t> places_;
  std::unordered_map<Link, LinkState> links_;
  std::array<std::size_t, signal_count> raised_{};
  std::uint64_t revision_ = 0;
};

}  // namespace sonde
