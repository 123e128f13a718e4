// The live matrix: for each link the recent results, and what a cell shows of them. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coordinator/core/aggregate.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/reading.h"
#include "coordinator/core/rollup.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// The first that holds (docs/api.md).
enum class CellState : std::uint8_t { none, paused, agent_silent, never, down, stale, unsynced, degraded, ok };
std::string_view name(CellState state);

struct Cell {
  std::optional<double> value;    ///< in the metric's unit; nullopt only when the window holds none
  std::uint64_t count = 0;        ///< samples in the window; of a ratio the tries
  std::optional<double> age_s;    ///< at - finished_at of the newest result with this metric; nullopt: never
  std::optional<double> error_s;  ///< delay only: +-
  CellState state = CellState::never;
  bool few() const { return count < 20; }
};

/// True where the mesh's policy has this metric measured on this link; where not, the cell's state is `none`.
bool is_measured(const Mesh& mesh, const Link& link, Metric metric);
/// The same where the ends are looked up already; nullptr: no such site.
bool is_measured(const Mesh& mesh, const SiteSpec* from, const SiteSpec* to, Metric metric);

class Matrix {
 public:
  /// How far back the live matrix reaches; older instants and longer windows come from the store.
  static constexpr nanoseconds reach = std::chrono::hours(2);
  /// Of one link and probe: latency once a second for all of `reach`. One more drops the oldest, which is counted, and
  /// `reaches` says from then on that the store has to be asked.
  static constexpr std::size_t readings_per_series = 7200;

  /// Links of sites that are gone are dropped; results of those that stay are kept.
  void set_mesh(const Mesh& mesh);
  /// How often each link's throughput runs come, for `stale`.
  void set_throughput_intervals(const Timetable& timetable);
  /// Links whose measurement is suspended.
  void set_paused(std::unordered_set<Link> links);
  /// Where a rule of these metrics is raised.
  void set_degraded(const std::unordered_map<Link, std::vector<Metric>>& metrics);
  /// Any message of the from-site's agent; decides agent_silent.
  void on_heard(const SiteId& site, SharedTime now);
  /// In any order, but each result once. A result of an unknown site is ignored.
  void on_result(const Result& result);
  /// What the history says of a series: when it brought what last, which on_result then need not say again. Its values
  /// do not count.
  void on_earlier(const Link& link, Probe probe, const RollUp& roll);
  /// Drops what is older than reach (of each link and probe the two newest tried results stay) and notices who fell
  /// silent. The first call begins the 15 s after which an agent that was never heard is silent.
  void tick(SharedTime now);

  Cell cell(const Link& link, const CellQuery& query) const;
  /// The same from results that the caller took from the store (all of this link, in any order, covering the window and
  /// at least the two newest tried runs of the metric's probe before `at`).
  Cell cell_of(const Link& link, const CellQuery& query, const std::vector<const Result*>& results) const;
  /// The same from roll-ups of the metric's probe: what the window holds, and what came before it (only newest() and
  /// tried() of that count).
  Cell cell_of(const Link& link, const CellQuery& query, const RollUp& window, const RollUp& before) const;
  /// True where the live matrix can answer the query by itself.
  bool reaches(const CellQuery& query, SharedTime now) const;

  /// The links whose cells have changed since the last call, for the event stream.
  std::vector<Link> take_changed();

  /// Readings that were dropped because of readings_per_series.
  std::uint64_t over_limit() const { return over_limit_; }
  std::size_t readings() const;

 private:
  /// What one probe brought on one link, ordered by finished_at.
  struct Series {
    std::deque<Reading> readings;
    std::size_t tried = 0;  ///< of `readings`
    /// finished_at of the newest result that had this bit of MetricMask, also where the reading is gone.
    std::vector<std::pair<MetricMask, SharedTime>> newest;

    void insert(Reading reading);
    /// Takes over newest() and tried() as readings without values.
    void insert_earlier(const RollUp& roll);
    void saw(MetricMask mask, SharedTime finished_at);
    void drop_oldest();
    void drop_before(SharedTime limit);
    std::optional<SharedTime> newest_with(MetricMask any_of, SharedTime at) const;
    bool down(MetricMask wanted, SharedTime at) const;
  };
  using LinkHistory = std::array<Series, probe_count>;

  Cell cell_from(const Series& series, const Link& link, const CellQuery& query) const;
  CellState state(const Series& series, const Link& link, const CellQuery& query) const;
  const SiteSpec* spec(const SiteId& site) const;
  const Series* series(const Link& link, Probe probe) const;
  bool is_silent(const SiteId& site, SharedTime at) const;
  nanoseconds stale_after(Metric metric, const Link& link) const;

  Mesh mesh_;
  std::unordered_map<SiteId, std::size_t> places_;  ///< in mesh_.sites: a search for each cell would take seconds
  nanoseconds throughput_every_{0};
  std::unordered_map<Link, nanoseconds> own_throughput_every_;  ///< of links with an interval of their own
  std::unordered_set<Link> paused_;
  std::unordered_map<Link, MetricMask> degraded_;
  std::unordered_map<SiteId, SharedTime> heard_;
  std::unordered_map<SiteId, bool> silent_;  ///< as of the last tick
  std::unordered_map<Link, LinkHistory> links_;
  std::unordered_set<Link> changed_;
  std::optional<SharedTime> began_;          ///< the first tick
  std::optional<SharedTime> complete_from_;  ///< before this instant readings_per_series has left holes
  std::uint64_t over_limit_ = 0;
};

}  // namespace sonde
