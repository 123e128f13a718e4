// The live matrix: for each link the recent results, and what a cell shows of them. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"

namespace sonde {

/// The first that holds (docs/api.md).
enum class CellState : std::uint8_t { none, paused, agent_silent, never, down, stale, unsynced, degraded, ok };
std::string_view name(CellState state);

struct Cell {
  std::optional<double> value;    ///< in the metric's unit; nullopt only when the window holds none
  std::uint64_t count = 0;        ///< samples in the window
  std::optional<double> age_s;    ///< at - finished_at of the newest result with this metric; nullopt: never
  std::optional<double> error_s;  ///< delay only: +-
  CellState state = CellState::never;
  bool few() const { return count < 20; }
};

struct CellQuery {
  Metric metric = Metric::rtt;
  Stat stat = Stat::p50;
  nanoseconds window = std::chrono::hours(1);
  SharedTime at;
};

/// One number out of the results of one link that finished in (at - window, at], given oldest first.
/// Shared by the live matrix and by queries into the history. States are not decided here.
Cell aggregate(const std::vector<const Result*>& results, const CellQuery& query);

class Matrix {
 public:
  /// How far back the live matrix reaches; older instants and longer windows come from the store.
  static constexpr nanoseconds reach = std::chrono::hours(2);

  /// Links of sites that are gone are dropped; results of those that stay are kept.
  void set_mesh(const Mesh& mesh);
  /// The effective interval of throughput runs (Timetable::throughput_every), for `stale`.
  void set_throughput_every(nanoseconds every);
  /// Any message of the from-site's agent; decides agent_silent.
  void on_heard(const SiteId& site, SharedTime now);
  /// Results of one link come in order of seq. A result of an unknown site is ignored.
  void on_result(const Result& result);
  /// Drops what is older than reach.
  void tick(SharedTime now);

  Cell cell(const Link& link, const CellQuery& query) const;
  /// The same from results that the caller took from the store (oldest first, all of this link, covering the window and at least
  /// the two newest tried runs of the metric's probe before `at`).
  Cell cell_of(const Link& link, const CellQuery& query, const std::vector<const Result*>& results) const;
  /// True where the live matrix can answer the query by itself.
  bool reaches(const CellQuery& query, SharedTime now) const;

  /// The links whose cells have changed since the last call, for the event stream.
  std::vector<Link> take_changed();

 private:
  struct LinkHistory {
    std::deque<Result> results;
  };
  Mesh mesh_;
  nanoseconds throughput_every_{0};
  std::unordered_map<SiteId, SharedTime> heard_;
  std::unordered_map<Link, LinkHistory> links_;
  std::vector<Link> changed_;
};

}  // namespace sonde
