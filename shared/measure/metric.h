// The names of everything that Sonde measures: probes, outcomes, metrics, statistics. The one place where they are
// listed; wire, store, API, page and terminal take them from here. Definitions and sources: docs/measurements.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sonde {

/// A kind of measurement. The numbers are on the wire and on disk: append only.
enum class Probe : std::uint8_t {
  latency = 0,
  connect = 1,
  throughput = 2,
  duplex = 3,  ///< throughput while the other direction of the same two sites runs, too; only on demand
};
inline constexpr std::size_t probe_count = 4;

/// How a run ended. The numbers are on the wire and on disk: append only.
enum class Outcome : std::uint8_t {
  ok = 0,
  refused = 1,
  timeout = 2,
  unreachable = 3,
  reset = 4,
  dns_failed = 5,
  busy = 6,
  skipped = 7,
};
inline constexpr std::size_t outcome_count = 8;

/// True where something was sent to the far side: neither skipped, busy nor dns_failed.
constexpr bool was_tried(Outcome outcome) {
  return outcome != Outcome::skipped && outcome != Outcome::busy && outcome != Outcome::dns_failed;
}

/// One kind of number. The numbers are on the wire and on disk: append only.
enum class Metric : std::uint8_t {
  rtt = 0,
  rtt_host = 1,
  host_queue = 2,
  delay = 3,
  delay_rise = 4,
  jitter = 5,
  pdv = 6,
  loss = 7,
  loss_rtt = 8,
  reorder = 9,
  duplicate = 10,
  connect = 11,
  connect_clean = 12,
  handshake_rtt = 13,
  resolve = 14,
  connectivity = 15,
  throughput = 16,
  throughput_total = 17,
  retransmits = 18,
  rtt_loaded = 19,
  rtt_loaded_ratio = 20,
  throughput_duplex = 21,
  delay_loaded = 22,
  delay_rise_loaded = 23,
  jitter_loaded = 24,
  loss_loaded = 25,
  loss_rtt_loaded = 26,
  reorder_loaded = 27,
  connect_loaded = 28,
};
inline constexpr std::size_t metric_count = 29;

/// True for what is measured while a throughput run loads the path.
constexpr bool is_loaded(Metric metric) {
  return metric == Metric::rtt_loaded || metric == Metric::rtt_loaded_ratio ||
         (metric >= Metric::delay_loaded && metric <= Metric::connect_loaded);
}

enum class Stat : std::uint8_t { p5, p25, p50, p75, p95, p99, mean, min, max, stddev, last, ewma, hmean };
inline constexpr std::size_t stat_count = 13;

/// What a metric's values are, which decides how a window of results becomes one number.
enum class MetricShape : std::uint8_t {
  distribution,  ///< each result carries a Distribution of its samples; a window merges them
  value,         ///< each ok result carries one value, which is the sample; a window makes a distribution of them
  ratio,         ///< each tried result carries a numerator and a denominator; a window pools the counts for `mean`
};

struct MetricInfo {
  Metric metric;
  std::string_view name;
  std::string_view unit;  ///< "s", "bit/s", "ratio" or "1"
  Probe probe;
  MetricShape shape;
  bool higher_is_better;
  std::string_view help;  ///< one sentence for people
};

const MetricInfo& info(Metric metric);
std::span<const MetricInfo> all_metrics();

std::string_view name(Probe probe);
std::string_view name(Outcome outcome);
inline std::string_view name(Metric metric) { return info(metric).name; }
std::string_view name(Stat stat);
/// nullopt where no such name exists.
std::optional<Probe> probe_named(std::string_view name);
std::optional<Outcome> outcome_named(std::string_view name);
std::optional<Metric> metric_named(std::string_view name);
std::optional<Stat> stat_named(std::string_view name);

}  // namespace sonde
