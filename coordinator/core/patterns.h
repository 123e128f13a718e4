// What a degradation looks like, beside where it is: a step in latency, throughput down while latency is fine, and so
// on. Pure. A pattern is named where the newest results of a link show it; it raises nothing by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/ids.h"
#include "shared/measure/result.h"

namespace sonde {

enum class Pattern : std::uint8_t {
  latency_step,     ///< even the fastest packets are slower: another path, not a queue
  throughput_only,  ///< throughput is down while latency and loss are as usual: a policer or an end point
  loaded_latency,   ///< the round trip under load has risen: a queue that is too long (bufferbloat)
  syn_retransmits,  ///< handshakes had to send their SYN again
  dscp_remarked,    ///< packets arrive with another DSCP than they were sent with
  large_packets,    ///< only large packets are lost: the path MTU is smaller than the end points take it to be
};
inline constexpr std::size_t pattern_count = 6;
std::string_view name(Pattern pattern);
std::optional<Pattern> pattern_named(std::string_view name);

/// Which rules are raised on a link, as far as patterns depend on them.
struct LinkTrouble {
  bool latency = false;
  double rise_s = 0;  ///< seconds above the usual, where latency is raised
  bool throughput = false;
  bool loss = false;  ///< loss, or no answer at all
};

/// What agents found out about a link's path when its trouble began.
struct PathFacts {
  std::optional<bool> path_changed{};         ///< against the last good path
  std::optional<std::uint32_t> lost_above{};  ///< octets: larger IP packets do not come through although they should
  bool operator==(const PathFacts&) const = default;
};

/// What the newest results of a link say beside their metrics. Small: a mesh has many links.
class LinkTraits {
 public:
  /// `usual`: no rule is raised here, so that this is what is usual.
  void on_result(const Result& result, bool usual);
  /// Each with a sentence without its link.
  std::vector<std::pair<Pattern, std::string>> patterns(const LinkTrouble& trouble, const PathFacts& path) const;

 private:
  void on_latency(const Result& result, bool usual);
  std::string step_text(const PathFacts& path) const;
  std::string limit_text() const;

  float rise_floor_ = 0;    ///< p5 of the newest delay_rise, seconds
  float loaded_ = 0;        ///< median of the newest rtt_loaded, seconds; 0: none
  float loaded_usual_ = 0;  ///< the same in good times, smoothed
  std::uint8_t ttl_ = 0;    ///< at arrival; 0: unknown
  std::uint8_t ttl_usual_ = 0;
  std::uint8_t syns_ = 0;      ///< the last eight connect runs, the newest lowest; 1: a SYN was sent again
  std::uint8_t remarked_ = 0;  ///< the last eight latency results likewise; 1: another DSCP arrived
  std::uint8_t dscp_sent_ = 0;
  std::uint8_t dscp_there_ = 0;
  std::uint8_t limited_by_receiver_ = 0;  ///< percent of the newest throughput run's time
  std::uint8_t limited_by_sender_ = 0;    ///< likewise
};

/// One pattern of an incident, over the links that show it.
struct PatternSeen {
  Pattern pattern = Pattern::latency_step;
  std::string text;  ///< a sentence, with the links
  bool operator==(const PatternSeen&) const = default;
};

/// Puts together what single links show; in the order of the enumeration.
std::vector<PatternSeen> together(const std::vector<std::pair<Link, std::pair<Pattern, std::string>>>& on_links);

}  // namespace sonde
