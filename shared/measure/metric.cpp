#include "shared/measure/metric.h"

#include <array>

#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr auto distribution = MetricShape::distribution;
constexpr auto value = MetricShape::value;
constexpr auto ratio = MetricShape::ratio;
constexpr auto latency = Probe::latency;

constexpr std::array<MetricInfo, metric_count> metrics{{
    {Metric::rtt, "rtt", "s", latency, distribution, false, "Round-trip time without the time spent in the far host."},
    {Metric::rtt_host, "rtt_host", "s", latency, distribution, false,
     "Round-trip time from the entry into the sender's own queue."},
    {Metric::host_queue, "host_queue", "s", latency, distribution, false, "Time in the sender's own queue."},
    {Metric::delay, "delay", "s", latency, distribution, false, "One-way delay, from -> to."},
    {Metric::delay_rise, "delay_rise", "s", latency, distribution, false,
     "One-way delay above the least of the last ten minutes."},
    {Metric::jitter, "jitter", "s", latency, value, false, "Interarrival jitter, from -> to (RFC 3550, 6.4.1)."},
    {Metric::pdv, "pdv", "s", latency, distribution, false, "Packet delay variation, from -> to (RFC 5481)."},
    {Metric::loss, "loss", "ratio", latency, ratio, false, "Share of probes lost on the way from -> to."},
    {Metric::loss_rtt, "loss_rtt", "ratio", latency, ratio, false, "Share of probes without a reply in time."},
    {Metric::reorder, "reorder", "ratio", latency, ratio, false,
     "Share of probes that arrived reordered, from -> to (RFC 4737, 4.1)."},
    {Metric::duplicate, "duplicate", "ratio", latency, ratio, false,
     "Share of probes that arrived more than once, from -> to (RFC 5560, 5.1)."},
    {Metric::connect, "connect", "s", Probe::connect, value, false, "Time to establish a TCP connection."},
    {Metric::connect_clean, "connect_clean", "s", Probe::connect, value, false,
     "Time to establish a TCP connection whose SYN was not resent."},
    {Metric::handshake_rtt, "handshake_rtt", "s", Probe::connect, value, false,
     "The kernel's round-trip time of a handshake that was not resent."},
    {Metric::resolve, "resolve", "s", Probe::connect, value, false, "Time to look the far side's name up."},
    {Metric::connectivity, "connectivity", "ratio", Probe::connect, ratio, true, "Share of tried runs that connected."},
    {Metric::throughput, "throughput", "bit/s", Probe::throughput, value, true,
     "Steady user data rate at the receiver, after slow start and burst."},
    {Metric::throughput_total, "throughput_total", "bit/s", Probe::throughput, value, true,
     "All user data over the time from first write to last acknowledgement."},
    {Metric::retransmits, "retransmits", "1", Probe::throughput, value, false, "Segments resent in a throughput run."},
    {Metric::rtt_loaded, "rtt_loaded", "s", latency, distribution, false,
     "Round-trip time while the from-site sends to the to-site."},
    {Metric::rtt_loaded_ratio, "rtt_loaded_ratio", "1", latency, value, false, "rtt_loaded over rtt."},
    {Metric::throughput_duplex, "throughput_duplex", "bit/s", Probe::duplex, value, true,
     "Steady user data rate while both directions run."},
    {Metric::delay_loaded, "delay_loaded", "s", latency, distribution, false,
     "One-way delay, from -> to, during throughput runs."},
    {Metric::delay_rise_loaded, "delay_rise_loaded", "s", latency, distribution, false,
     "One-way delay above the least of the last ten minutes, during throughput runs."},
    {Metric::jitter_loaded, "jitter_loaded", "s", latency, value, false,
     "Interarrival jitter, from -> to, during throughput runs."},
    {Metric::loss_loaded, "loss_loaded", "ratio", latency, ratio, false,
     "Share of probes lost on the way from -> to during throughput runs."},
    {Metric::loss_rtt_loaded, "loss_rtt_loaded", "ratio", latency, ratio, false,
     "Share of probes without a reply in time during throughput runs."},
    {Metric::reorder_loaded, "reorder_loaded", "ratio", latency, ratio, false,
     "Share of probes that arrived reordered, from -> to, during throughput runs."},
    {Metric::connect_loaded, "connect_loaded", "s", Probe::connect, value, false,
     "Time to establish a TCP connection during throughput runs."},
}};

constexpr std::array<std::string_view, probe_count> probe_names{"latency", "connect", "throughput", "duplex"};
constexpr std::array<std::string_view, outcome_count> outcome_names{"ok",    "refused",    "timeout", "unreachable",
                                                                    "reset", "dns_failed", "busy",    "skipped"};
constexpr std::array<std::string_view, stat_count> stat_names{"p5",  "p25", "p50",    "p75",  "p95",  "p99",  "mean",
                                                              "min", "max", "stddev", "last", "ewma", "hmean"};

template <typename Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view wanted) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == wanted) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

const MetricInfo& info(Metric metric) {
  const auto index = static_cast<std::size_t>(metric);
  SONDE_ASSERT(index < metrics.size() && metrics[index].metric == metric);
  return metrics[index];
}

std::span<const MetricInfo> all_metrics() { return metrics; }

std::string_view name(Probe probe) { return probe_names.at(static_cast<std::size_t>(probe)); }
std::string_view name(Outcome outcome) { return outcome_names.at(static_cast<std::size_t>(outcome)); }
std::string_view name(Stat stat) { return stat_names.at(static_cast<std::size_t>(stat)); }

std::optional<Probe> probe_named(std::string_view name) { return find_name<Probe>(probe_names, name); }
std::optional<Outcome> outcome_named(std::string_view name) { return find_name<Outcome>(outcome_names, name); }
std::optional<Stat> stat_named(std::string_view name) { return find_name<Stat>(stat_names, name); }

std::optional<Metric> metric_named(std::string_view name) {
  for (const MetricInfo& candidate : metrics)
    if (candidate.name == name) return candidate.metric;
  return std::nullopt;
}

}  // namespace sonde
