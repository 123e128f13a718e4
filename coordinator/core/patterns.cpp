#include "coordinator/core/patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace sonde {
namespace {

constexpr std::array<std::string_view, pattern_count> pattern_names{
    "latency_step", "throughput_only", "loaded_latency", "syn_retransmits", "dscp_remarked", "large_packets"};
/// Of a rise that is a step the fastest packets have this share; of one that is a queue they have little.
constexpr double step_share = 0.5;
constexpr std::uint64_t enough_loaded = 20;
constexpr float smoothing = 0.2F;
constexpr float loaded_factor = 2;
constexpr float loaded_least_s = 0.02F;
constexpr int least_bits = 2;
/// From this share of a run's time on its end point is the limit.
constexpr std::uint8_t limiting_percent = 30;

std::uint8_t octet(std::optional<double> value) {
  return static_cast<std::uint8_t>(std::clamp(value.value_or(0), 0.0, 255.0));
}

std::uint8_t pushed(std::uint8_t bits, bool bit) {
  return static_cast<std::uint8_t>((static_cast<unsigned>(bits) << 1U) | (bit ? 1U : 0U));
}

float seconds_at(const DistributionValue* samples, double quantile) {
  const auto at = samples == nullptr ? std::nullopt : samples->samples.quantile(quantile);
  return static_cast<float>(at.value_or(0) / 1e9);
}

}  // namespace

std::string_view name(Pattern pattern) { return pattern_names.at(static_cast<std::size_t>(pattern)); }

std::optional<Pattern> pattern_named(std::string_view wanted) {
  const auto* const found = std::ranges::find(pattern_names, wanted);
  if (found == pattern_names.end()) return std::nullopt;
  return static_cast<Pattern>(found - pattern_names.begin());
}

void LinkTraits::on_latency(const Result& result, bool usual) {
  rise_floor_ = seconds_at(result.distribution_of(Metric::delay_rise), 0.05);
  if (const std::uint8_t ttl = octet(result.detail("ttl")); ttl != 0) {
    ttl_ = ttl;
    if (usual) ttl_usual_ = ttl;
  }
  remarked_ = pushed(remarked_, result.detail("dscp_remarked").value_or(0) > 0);
  if (result.detail("dscp_sent")) {
    dscp_sent_ = octet(result.detail("dscp_sent"));
    dscp_there_ = octet(result.detail("dscp_there"));
  }
  const DistributionValue* loaded = result.distribution_of(Metric::rtt_loaded);
  if (loaded == nullptr || loaded->samples.count() < enough_loaded) return;
  loaded_ = seconds_at(loaded, 0.5);
  // What is far above the usual does not become usual.
  if (usual && (loaded_usual_ <= 0 || loaded_ < loaded_factor * loaded_usual_))
    loaded_usual_ = loaded_usual_ <= 0 ? loaded_ : (1 - smoothing) * loaded_usual_ + smoothing * loaded_;
}

void LinkTraits::on_result(const Result& result, bool usual) {
  if (result.has(Tag::starved) || !was_tried(result.outcome)) return;
  if (result.probe == Probe::latency && result.outcome == Outcome::ok) on_latency(result, usual);
  if (result.probe == Probe::connect) syns_ = pushed(syns_, result.detail("syn_retransmits").value_or(0) > 0);
  if (result.probe == Probe::throughput && result.outcome == Outcome::ok) {
    limited_by_receiver_ = octet(100 * result.detail("rwnd_limited_ratio").value_or(0));
    limited_by_sender_ = octet(100 * result.detail("sndbuf_limited_ratio").value_or(0));
  }
}

std::string LinkTraits::step_text(const PathFacts& path) const {
  std::string text = "a step in latency, not a queue: even the fastest packets are slower";
  if (path.path_changed) return text + (*path.path_changed ? ", on another path" : ", on the same path");
  if (ttl_ == 0 || ttl_usual_ == 0) return text;
  if (ttl_ == ttl_usual_) return text + fmt::format(", with the same number of hops (TTL {})", ttl_);
  return text + fmt::format(", on another path (TTL {} on arrival, before it was {})", ttl_, ttl_usual_);
}

std::string LinkTraits::limit_text() const {
  const std::string text = "throughput is down while latency and loss are as usual: ";
  if (limited_by_receiver_ >= limiting_percent)
    return text + fmt::format("the receiver's window was the limit for {} % of the run", limited_by_receiver_);
  if (limited_by_sender_ >= limiting_percent)
    return text + fmt::format("the send buffer was the limit for {} % of the run", limited_by_sender_);
  return text + "a policer, or an end point";
}

std::vector<std::pair<Pattern, std::string>> LinkTraits::patterns(const LinkTrouble& trouble,
                                                                  const PathFacts& path) const {
  std::vector<std::pair<Pattern, std::string>> out;
  if (trouble.latency && trouble.rise_s > 0 && static_cast<double>(rise_floor_) >= step_share * trouble.rise_s)
    out.emplace_back(Pattern::latency_step, step_text(path));
  if (trouble.throughput && !trouble.latency && !trouble.loss) out.emplace_back(Pattern::throughput_only, limit_text());
  if (loaded_usual_ > 0 && loaded_ >= loaded_factor * loaded_usual_ && loaded_ - loaded_usual_ >= loaded_least_s)
    out.emplace_back(Pattern::loaded_latency,
                     fmt::format("under load the round trip takes {:.0f} ms instead of {:.0f} ms: a queue that is too "
                                 "long (bufferbloat)",
                                 loaded_ * 1e3F, loaded_usual_ * 1e3F));
  if (std::popcount(syns_) >= least_bits)
    out.emplace_back(Pattern::syn_retransmits, fmt::format("{} of the last 8 handshakes sent their SYN again, which "
                                                           "takes them a second and more",
                                                           std::popcount(syns_)));
  if (std::popcount(remarked_) >= least_bits)
    out.emplace_back(Pattern::dscp_remarked,
                     fmt::format("packets are sent with DSCP {} and arrive with {}: the path puts them into another "
                                 "class",
                                 dscp_sent_, dscp_there_));
  if (path.lost_above)
    out.emplace_back(
        Pattern::large_packets,
        fmt::format("packets of more than {} octets are lost, smaller ones are not: the path MTU", *path.lost_above));
  return out;
}

std::vector<PatternSeen> together(const std::vector<std::pair<Link, std::pair<Pattern, std::string>>>& on_links) {
  std::vector<PatternSeen> out;
  for (std::size_t i = 0; i < pattern_count; ++i) {
    const auto pattern = static_cast<Pattern>(i);
    std::size_t count = 0;
    const std::pair<Link, std::pair<Pattern, std::string>>* first = nullptr;
    for (const auto& one : on_links) {
      if (one.second.first != pattern) continue;
      if (first == nullptr) first = &one;
      ++count;
    }
    if (first == nullptr) continue;
    const std::string link = fmt::format("{} -> {}", first->first.from.str(), first->first.to.str());
    const std::string others = count > 1 ? fmt::format(" (and {} more)", count - 1) : std::string();
    out.push_back({pattern, fmt::format("{}{}: {}", link, others, first->second.second)});
  }
  return out;
}

}  // namespace sonde
