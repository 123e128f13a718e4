// What a run reports: the unit of everything that travels from agent to coordinator and is kept in the history.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/distribution.h"
#include "shared/measure/metric.h"

namespace sonde {

/// A ratio metric of one run: hits out of tries; tries > 0.
struct RatioValue {
  Metric metric;
  std::uint64_t hits = 0;
  std::uint64_t tries = 0;
  bool operator==(const RatioValue&) const = default;
};

/// A value metric of one run, in the metric's unit (seconds, bit/s, plain number).
struct SingleValue {
  Metric metric;
  double value = 0;
  bool operator==(const SingleValue&) const = default;
};

/// A distribution metric of one run, samples in nanoseconds.
struct DistributionValue {
  Metric metric;
  Distribution samples;
  bool operator==(const DistributionValue&) const = default;
};

/// Facts about a run that change how its values may be used; bits, on the wire and on disk: append only.
enum class Tag : std::uint32_t {
  starved = 1U << 0U,        ///< the agent had too little CPU: kept out of alerts
  user_clock = 1U << 1U,     ///< a stamp was taken in userland instead of the kernel
  upper_bound = 1U << 2U,    ///< throughput: no knee was found, the value is an upper bound
  budget_ended = 1U << 3U,   ///< throughput: the byte budget ended the run
  slot_ended = 1U << 4U,     ///< throughput: the slot's end cut the run before it had enough segments
  settled = 1U << 5U,        ///< throughput: ended early, its interval was within +-5 %
  clock_stepped = 1U << 6U,  ///< samples were dropped because a clock stepped
  unsynced = 1U << 7U,       ///< latency: delay could not be shown because the clocks' error is too large
  on_demand = 1U << 8U,      ///< somebody asked for this run; the detail `demand` is the request's id
  loaded = 1U << 9U,         ///< some or all samples met a throughput run on their way
  few_segments = 1U << 10U,  ///< throughput: fewer than 20 full segments came in the steady part: do not rely on it
};

/// One number that is no metric of the matrix but belongs to a run: a count or a detail, by name
/// (docs/measurements.md): "sent", "received", "late", "syn_retransmits", "bytes", "burst_bytes", "error_s",
/// "min_rtt_s" ...
struct Detail {
  std::string name;
  double value = 0;
  bool operator==(const Detail&) const = default;
};

struct Result {
  RunId id;  ///< id.from is the from-site. seq 0: not yet in a spool.
  SiteId to;
  Probe probe = Probe::latency;
  Generation generation;
  Round round;
  SharedTime scheduled_at;
  std::optional<SharedTime> started_at;  ///< nullopt for skipped and busy runs
  SharedTime finished_at;
  Outcome outcome = Outcome::ok;
  std::uint32_t tags = 0;
  std::string reason;  ///< for people, where outcome is not ok; at most limits::text_bytes
  std::vector<SingleValue> values;
  std::vector<RatioValue> ratios;
  std::vector<DistributionValue> distributions;
  std::vector<Detail> details;

  Link link() const { return {id.from, to}; }
  bool has(Tag tag) const { return (tags & static_cast<std::uint32_t>(tag)) != 0; }
  void set(Tag tag) { tags |= static_cast<std::uint32_t>(tag); }
  bool operator==(const Result&) const = default;

  const SingleValue* value_of(Metric metric) const;
  const RatioValue* ratio_of(Metric metric) const;
  const DistributionValue* distribution_of(Metric metric) const;
  std::optional<double> detail(std::string_view name) const;
};

}  // namespace sonde
