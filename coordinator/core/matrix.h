// The live matrix: for each link the recent results, and what a cell shows of them. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "coordinator/core/aggregate.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/reading.h"
#include "coordinator/core/rollup.h"
#include "coordinator/core/series.h"
#include "coordinator/core/window_sum.h"
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
  /// So many questions that were asked of the whole mesh are kept up to date, cell by cell, as results come; the one
  /// that was not asked for longest makes way for the next.
  static constexpr std::size_t columns_kept = 4;
  /// A question that nobody has asked for so long is no longer kept, unless it is one of `keep`.
  static constexpr nanoseconds column_kept_for = std::chrono::minutes(10);

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
  /// From now on this question's cells are at hand, whether anybody asks or not; `at` is ignored.
  void keep(const CellQuery& query);
  /// Drops what is older than reach (of each link and probe the two newest tried results stay) and notices who fell
  /// silent. The first call begins the 15 s after which an agent that was never heard is silent. Of a large mesh each
  /// call looks at a part of the links, and 64 calls at all.
  void tick(SharedTime now);

  Cell cell(const Link& link, const CellQuery& query) const;
  using EachCell = std::function<void(std::size_t from, std::size_t to, const Cell& cell)>;
  /// The cells of all links that begin at a site with an agent, row by row, by the sites' places in the mesh. A
  /// question about the present is kept from then on (`columns_kept`), so that the next time nothing need be added up.
  void each_cell(const CellQuery& query, const EachCell& each) const;
  using EachState = std::function<void(std::size_t from, std::size_t to, CellState state)>;
  void each_state(Metric metric, SharedTime at, const EachState& each) const;
  /// The same from results that the caller took from the store (all of this link, in any order, covering the window and
  /// at least the two newest tried runs of the metric's probe before `at`).
  Cell cell_of(const Link& link, const CellQuery& query, const std::vector<const Result*>& results) const;
  /// The same from roll-ups of the metric's probe: what the window holds, and what came before it (only newest() and
  /// tried() of that count).
  Cell cell_of(const Link& link, const CellQuery& query, const RollUp& window, const RollUp& before) const;
  /// True where the live matrix can answer the query by itself.
  bool reaches(const CellQuery& query, SharedTime now) const;

  /// Of both ends in the mesh; nullopt: one of them is no site of it.
  struct Place {
    std::size_t from = 0;
    std::size_t to = 0;
  };
  std::optional<Place> place_of(const Link& link) const;

  /// The links whose cells have changed since the last call, for the event stream.
  std::vector<Link> take_changed();

  /// Readings that were dropped because of readings_per_series.
  std::uint64_t over_limit() const { return over_limit_; }
  std::size_t readings() const;

 private:
  struct LiveLink {
    std::array<std::unique_ptr<Series>, probe_count> series;  ///< null: never a result
  };
  struct Kept {
    KeptWindow window;
    SeriesFacts facts;
    bool settled = false;  ///< the facts are those of all readings
  };
  /// One question's cells, by place.
  struct Column {
    CellQuery query;  ///< `at`: the latest instant that was asked for, or the last tick
    bool for_ever = false;
    SharedTime asked_at;
    std::vector<Kept> cells;
  };

  std::size_t index(Place place) const { return place.from * mesh_.sites.size() + place.to; }
  std::optional<std::size_t> place_of(const SiteId& site) const;
  Link link_at(std::size_t index) const;
  const Series* series(std::size_t at, Probe probe) const {
    return links_.empty() ? nullptr : links_[at].series.at(static_cast<std::size_t>(probe)).get();
  }
  Series& series_for(Place place, Probe probe);
  void insert(Place place, Probe probe, Reading reading);
  void drop_oldest(std::size_t at, Probe probe);
  void expire(std::size_t at, SharedTime limit);
  void changed(std::size_t at);
  /// What is known of links by place moves to where their sites are now.
  void move_links(const std::vector<std::size_t>& old_places, std::size_t old_size);
  void derive_by_place();

  bool can_keep(const CellQuery& query) const;
  Column* column_of(const CellQuery& query) const;
  Column& new_column(const CellQuery& query) const;
  void renew(Column& column, std::size_t at, SharedTime until) const;
  Cell live_cell(Column* column, std::size_t at, const CellQuery& query, bool silent) const;
  Cell cell_from(const Series& series, const Link& link, const CellQuery& query) const;
  Cell cell_from(const WindowValue& window, const SeriesFacts& facts, std::size_t at, const CellQuery& query,
                 bool silent) const;
  CellState state(const SeriesFacts& facts, std::size_t at, const CellQuery& query, bool silent) const;
  bool measured(std::size_t at, Metric metric) const;
  bool is_silent(std::size_t site, SharedTime at) const;
  nanoseconds stale_after(Metric metric, std::size_t at) const;

  Mesh mesh_;
  std::unordered_map<SiteId, std::size_t> places_;  ///< in mesh_.sites
  nanoseconds throughput_every_{0};
  std::unordered_map<Link, nanoseconds> own_throughput_every_;  ///< of links with an interval of their own
  std::unordered_set<Link> paused_;
  std::unordered_map<Link, MetricMask> degraded_;
  // The same by place, for a search among names for each cell would take seconds.
  std::unordered_map<std::size_t, nanoseconds> own_throughput_every_at_;
  std::unordered_set<std::size_t> paused_at_;
  std::unordered_map<std::size_t, MetricMask> degraded_at_;
  std::vector<std::optional<SharedTime>> heard_;  ///< by site
  std::vector<bool> silent_;                      ///< by site, as of the last tick
  std::vector<LiveLink> links_;                   ///< by place; empty until the first result
  std::vector<std::size_t> changed_;
  std::vector<bool> is_changed_;
  /// Which probes are measured where, as far as somebody asked; by place.
  mutable std::vector<std::uint8_t> measured_;
  mutable std::vector<std::unique_ptr<Column>> columns_;  ///< a cache: never more than what aggregate() would say
  std::size_t next_to_expire_ = 0;
  std::optional<SharedTime> now_;            ///< the last tick
  std::optional<SharedTime> began_;          ///< the first tick
  std::optional<SharedTime> complete_from_;  ///< before this instant readings_per_series has left holes
  std::uint64_t over_limit_ = 0;
};

}  // namespace sonde
