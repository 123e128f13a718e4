// Which TTLs to try next, and what they brought: the routers of one way, hop by hop. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "agent/core/trace_probe.h"
#include "shared/base/limits.h"
#include "shared/base/time.h"
#include "shared/measure/path_trace.h"

namespace sonde {

/// Probes with a TTL that reaches everywhere are sent beside those that end early: a STAMP reply says with which TTL
/// its probe arrived (RFC 8762, 4.3, "Session-Sender TTL"), and so how many hops there are.
class HopSearch {
 public:
  static constexpr std::uint8_t far_ttl = 64;
  /// Of each TTL, where nothing answers; and of the far one always.
  static constexpr unsigned tries = 3;
  /// Probes under way at once. One only, once a router did not say which probe it means.
  static constexpr std::size_t window = 6;
  /// While the distance is not known, so many silent hops in a row are the end.
  static constexpr std::size_t silent_run = 5;

  explicit HopSearch(nanoseconds timeout) : timeout_(timeout) {}

  /// The TTL of the probe to send now, which leaves with this number; nullopt: none now.
  std::optional<std::uint8_t> next(MonoTime now, std::uint32_t sequence);
  void on_answer(const TraceAnswer& answer);
  /// When the next of the probes under way is given up; max where there is none.
  MonoTime next_deadline() const;
  bool done(MonoTime now);

  /// The far site answered, whichever TTL the probe had: on a way that loses much the far ones may all be lost.
  bool reached() const { return far_answered_ > 0 || distance_.has_value(); }
  std::uint32_t far_sent() const { return far_sent_; }
  std::uint32_t far_answered() const { return far_answered_; }
  std::optional<nanoseconds> rtt() const { return far_rtt_; }
  std::vector<Hop> hops() const;

 private:
  static constexpr std::size_t most = limits::hops_per_trace;
  struct Ttl {
    unsigned tried = 0;
    bool resolved = false;
    Hop hop;
  };
  struct Flight {
    std::uint8_t ttl = 0;
    MonoTime until;
  };

  void expire(MonoTime now);
  std::optional<std::uint8_t> wanted() const;
  bool under_way(std::uint8_t ttl) const;
  std::size_t end() const;
  void resolve(std::uint8_t ttl, HopKind kind, const TraceAnswer& answer);
  void on_reply(std::uint8_t ttl, const TraceAnswer& answer);
  void go_one_by_one();

  nanoseconds timeout_;
  std::array<Ttl, most + 1> ttls_{};  ///< by TTL; [0] is not used
  std::map<std::uint32_t, Flight> flights_;
  std::optional<std::size_t> distance_;  ///< TTL with which the far site is reached just so
  std::optional<std::size_t> stop_;      ///< TTL from which on somebody says that it goes no further
  std::uint32_t far_sent_ = 0;
  std::uint32_t far_answered_ = 0;
  std::optional<nanoseconds> far_rtt_;
  bool one_by_one_ = false;
};

}  // namespace sonde
