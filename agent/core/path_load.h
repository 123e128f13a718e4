// Which probes met a throughput run on their way: those measure the loaded path and are kept apart from the idle one.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/latency_sample.h"
#include "shared/measure/offset_bounds.h"
#include "shared/measure/result.h"
#include "shared/measure/site_load.h"

namespace sonde {

/// A run that loads this site: its own, or one of a site that shares its uplink.
struct OwnLoad {
  Link link;                               ///< direction of the data
  WallTime start;                          ///< from here data may flow
  std::optional<WallTime> end{};           ///< the link is idle again; nullopt: not yet
  bool both_ways = false;                  ///< a duplex run: `link` and its reverse
  std::optional<SharedTime> started_at{};  ///< as its result says, where known
  std::optional<double> tcpi_rtt_s{};      ///< the sender's own figure, where the run has ended here

  bool sends_over(const Link& wanted) const {
    return link == wanted || (both_ways && link == Link{wanted.to, wanted.from});
  }
};

/// The least of a flight: what it can have met. Own wall time.
struct Flight {
  WallTime from;
  WallTime to;
};

/// What a probe met. `sending`: this site sent to the probe's own far site. `other`: any other run at either end.
enum class Met : std::uint8_t { nothing = 0, other = 1, sending = 2 };

/// The runs of the last minutes at this site; the oldest make room.
class OwnLoads {
 public:
  static constexpr std::size_t most = 64;

  /// A run is known by its link and start: told again with its end, or with what is known later.
  void tell(const OwnLoad& load);
  /// nullptr where the flight met none; one that sends over `link` goes before any other.
  const OwnLoad* met_by(const Flight& flight, const Link& link) const;

  std::span<const OwnLoad> all() const { return loads_; }

 private:
  std::vector<OwnLoad> loads_;
};

/// The runs of a far site, as its replies told them, on its clock.
class FarLoads {
 public:
  static constexpr std::size_t most = 16;
  /// A run of which nobody told the end is believed to have ended by then.
  static constexpr nanoseconds longest = std::chrono::minutes(10);

  void tell(const SiteLoad& load);
  /// `in_far_clock` is the flight's widest place there.
  bool met_by(const Flight& in_far_clock) const;

 private:
  std::vector<SiteLoad> loads_;
};

/// A run of a far site as this host's clock has it, at its widest: no part of the run lies outside.
struct FarRun {
  SiteId site;
  WallTime far_start;  ///< on that site's clock: names the run
  WallTime start;
  std::optional<WallTime> end;  ///< nullopt: it was going on when the site said so
  bool operator==(const FarRun&) const = default;
};
/// What a reply with these stamps says of its far site's last run; nullopt where there was none. `load` is on the far
/// clock, whose offset lies between t3 - t4 and t2 - t1.
std::optional<FarRun> far_run(const SiteId& site, const SiteLoad& load, WallTime t1, WallTime t2, WallTime t3,
                              WallTime t4);

/// The runs of all far sites for which probes have told of any; the oldest of each make room.
class FarRuns {
 public:
  static constexpr std::size_t most_of_a_site = 8;

  void tell(const FarRun& run);
  bool met_by(const Flight& flight, const SiteId& site) const;

 private:
  std::map<SiteId, std::vector<FarRun>> runs_;  ///< of each site in order of start
};

/// The times of a connect result that met a run become connect_loaded.
void keep_apart_as_loaded(Result& result);

/// Where a flight lies on the far clock, in any case: an answered probe was there from t2 to t3, and its flight began
/// and ended no further from them than it took altogether.
Flight flight_on_far_clock(WallTime t1, WallTime t2, WallTime t3, WallTime t4);
/// The same of an unanswered probe, from what is known of the clocks' offset.
Flight flight_on_far_clock(const Flight& own, const OffsetInterval& offset);

}  // namespace sonde
