#include <fmt/format.h>

#include <algorithm>

#include "coordinator/config_parts.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

constexpr nanoseconds day = 24h;
constexpr double most_probes_per_result = 1e6;
/// What Linux takes (TCP_CA_NAME_MAX with its zero).
constexpr std::size_t longest_congestion_name = 15;
/// Intervals of one latency stream that may wait for late replies at the same time.
constexpr int most_open_intervals = 10;
/// All iterations of a throughput run, by their duration.
constexpr nanoseconds longest_run = 1h;

/// A timeout that was not given follows a shorter interval; one that was given must keep to `most`.
void settle_timeout(const std::optional<Value>& given, nanoseconds& timeout, nanoseconds most, nanoseconds every) {
  if (!given)
    timeout = std::min(timeout, every);
  else if (timeout > most)
    given->complain(
        fmt::format("{} is too long for results every {}", format_duration(timeout), format_duration(every)),
        fmt::format("give at most {}, or a longer every", format_duration(most)));
}

void read_latency(Value value, LatencyPolicy& out) {
  Fields fields(std::move(value));
  const auto rate = fields.get("rate");
  const auto every = fields.get("every");
  const auto timeout = fields.get("timeout");
  if (rate) assign(out.rate, rate->probe_rate(0.01, 10'000));
  if (every) assign(out.every, every->duration(100ms, 1h));
  if (timeout) assign(out.timeout, timeout->duration(1ms, 1min));
  if (const auto dscp = fields.get("dscp")) assign(out.dscp, dscp->dscp());
  if (const auto authenticated = fields.get("authenticated")) assign(out.authenticated, authenticated->boolean());
  fields.finish();
  settle_timeout(timeout, out.timeout, most_open_intervals * out.every, out.every);
  const double probes = out.rate.per_second * to_seconds(out.every);
  if (probes < 1 || probes > most_probes_per_result)
    fields.complain(fmt::format("rate {}/s and every {} make {:.3g} probes for a result", out.rate.per_second,
                                format_duration(out.every), probes),
                    fmt::format("choose rate and every so that it is 1 to {:.0f}", most_probes_per_result));
}

void read_connect_probe(Value value, ConnectPolicy& out) {
  Fields fields(std::move(value));
  const auto every = fields.get("every");
  const auto timeout = fields.get("timeout");
  if (every) assign(out.every, every->duration(100ms, 30 * day));
  if (timeout) assign(out.timeout, timeout->duration(10ms, 10min));
  fields.finish();
  settle_timeout(timeout, out.timeout, out.every, out.every);
}

/// By the kernel's name for it; whether an agent's kernel has it, only the agent knows.
void read_congestion(const Value& value, std::string& out) {
  auto name = value.text(longest_congestion_name);
  if (!name) return;
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  if (name->empty() || !std::ranges::all_of(*name, fits))
    value.complain(fmt::format("'{}' is no name of a congestion control", *name),
                   "write it as the kernel does: cubic, bbr, reno");
  else
    out = *std::move(name);
}

/// How often a run measures. What the durations and the result cannot hold is told here, at its own place.
void read_iterations(const Value& value, ThroughputPolicy& out) {
  const auto number = value.integer(1, limits::iterations_per_run);
  if (!number) return;
  const auto iterations = static_cast<std::uint32_t>(*number);
  if (iterations == 1) return;
  if (out.duration < ThroughputPolicy::least_repeated_duration)
    value.complain(
        fmt::format("a duration of {} is too short to be repeated", format_duration(out.duration)),
        fmt::format("give a duration of at least {}", format_duration(ThroughputPolicy::least_repeated_duration)));
  else if (out.duration > longest_run / iterations)
    value.complain(
        fmt::format("{} runs of {} take {}, and a slot holds at most {}", iterations, format_duration(out.duration),
                    format_duration(iterations * out.duration), format_duration(longest_run)),
        fmt::format("give at most {}, or a shorter duration", longest_run / out.duration));
  else if (iterations * out.streams > limits::stream_iterations_per_run)
    value.complain(
        fmt::format("{} iterations of {} streams make {} figures of each kind in a result, which holds at most {}",
                    iterations, out.streams, iterations * out.streams, limits::stream_iterations_per_run),
        fmt::format("give at most {}, or fewer streams", limits::stream_iterations_per_run / out.streams));
  else
    out.iterations = iterations;
}

void read_throughput(Value value, ThroughputPolicy& out, std::optional<Value>& given_every) {
  Fields fields(std::move(value));
  const auto every = fields.get("every");
  const auto duration = fields.get("duration");
  const auto max_duration = fields.get("max_duration");
  if (every && !every->is_word("auto")) {
    if (assign(out.every, every->duration(1s, 366 * day))) given_every = every;
  }
  if (duration) assign(out.duration, duration->duration(100ms, 1h));
  if (max_duration) assign(out.max_duration, max_duration->duration(100ms, 1h));
  if (auto bytes = fields.get("max_bytes")) assign(out.max_bytes, bytes->size(Bytes{10'000}, Bytes{1'000'000'000'000}));
  if (auto streams = fields.get("streams"))
    if (const auto number = streams->integer(1, limits::streams_per_run))
      out.streams = static_cast<std::uint32_t>(*number);
  const auto iterations = fields.get("iterations");
  if (const auto congestion = fields.get("congestion")) read_congestion(*congestion, out.congestion);
  if (auto duplex = fields.get("full_duplex")) assign(out.full_duplex, duplex->boolean());
  fields.finish();
  if (out.duration > out.max_duration) {
    // A longer duration alone takes the limit with it.
    if (max_duration)
      max_duration->complain(fmt::format("{} is shorter than duration, {}", format_duration(out.max_duration),
                                         format_duration(out.duration)),
                             fmt::format("give at least {}", format_duration(out.duration)));
    else
      out.max_duration = out.duration;
  }
  if (iterations) read_iterations(*iterations, out);
}

/// Where the probe is not `off` (which clears it): true, and its fields are to be read.
template <typename P>
bool is_on(const std::optional<Value>& value, std::optional<P>& out) {
  if (!value) return false;
  if (value->is_word("off") || value->is_word("false")) out.reset();
  return out.has_value();
}

}  // namespace

void read_probes(const Value& value, Policy& out, std::optional<Value>& throughput_every) {
  Fields fields(value);
  const auto latency = fields.get("latency");
  const auto connect = fields.get("connect");
  const auto throughput = fields.get("throughput");
  if (is_on(latency, out.latency)) read_latency(*latency, *out.latency);
  if (is_on(connect, out.connect)) read_connect_probe(*connect, *out.connect);
  if (is_on(throughput, out.throughput)) read_throughput(*throughput, *out.throughput, throughput_every);
  fields.finish();
}

}  // namespace sonde
