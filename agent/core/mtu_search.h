// Which packet sizes to try next, and the longest that arrived: the path MTU of one way, also where routers that drop
// long packets say nothing (RFC 4821's idea, with STAMP's counters in place of a transport's acknowledgements). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "agent/core/trace_probe.h"
#include "shared/base/time.h"

namespace sonde {

/// A reply is as long as its probe, and may be lost on the way back. So a size counts as arrived where its probe is
/// answered, or where the far reflector's own sequence number, which counts its replies, says in the reply to a later
/// small probe that it had answered one in between (RFC 8972, 3: stateful reflector).
class MtuSearch {
 public:
  struct Plan {
    std::uint32_t least = 0;  ///< octets of a small probe's IP packet, which do arrive
    std::uint32_t most = 0;   ///< the interface's MTU; at least `least`
    bool counts = true;       ///< the far reflector counts by itself
    bool lossy = false;       ///< small probes were lost just now: more of each size are sent
    nanoseconds rtt{0};
    nanoseconds timeout{0};  ///< of a small probe
  };
  /// Small probes in a row without any answer are the end.
  static constexpr unsigned most_unanswered = 5;
  /// So often one size may bring no verdict.
  static constexpr unsigned most_repeats = 4;

  explicit MtuSearch(const Plan& plan);

  /// The octets of the probe to send now, which leaves with this number; nullopt: none now.
  std::optional<std::uint32_t> next(MonoTime now, std::uint32_t sequence);
  void on_answer(const TraceAnswer& answer);
  /// When to ask again; max where nothing is waited for.
  MonoTime next_deadline() const { return done_ ? MonoTime::max() : wait_until_; }
  bool done() const { return done_; }

  /// 0 where it could not be told.
  std::uint32_t mtu() const { return known_ ? low_ : 0; }
  const std::string& told_by() const { return told_by_; }
  bool black_hole() const { return known_ && low_ < plan_.most && silent_above_; }
  const std::string& trouble() const { return trouble_; }

 private:
  enum class Stage : std::uint8_t { count_first, send_large, wait_large, count_again };

  unsigned large_in_a_try() const;
  void try_size(std::uint32_t octets);
  void forget_count();
  void on_small_reply(const TraceAnswer& answer);
  void on_too_big(const TraceAnswer& answer);
  void arrived(std::uint32_t octets);
  void vanished();
  void give_up(std::string why);

  Plan plan_;
  std::uint32_t low_;          ///< arrived
  std::uint32_t high_;         ///< nothing longer can arrive
  std::uint32_t size_;         ///< that is tried
  bool silent_above_ = false;  ///< what is longer than high_ vanished without a word
  bool confirmed_ = false;     ///< the first size was tried twice
  std::string told_by_;
  Stage stage_ = Stage::count_first;
  unsigned sent_in_try_ = 0;
  unsigned repeats_ = 0;
  std::set<std::uint32_t> large_;         ///< numbers of this size's probes
  std::set<std::uint32_t> small_;         ///< of small probes since the last one that was answered
  std::optional<std::uint32_t> counted_;  ///< the reflector's number in the last small reply
  MonoTime wait_until_ = MonoTime::min();
  bool done_ = false;
  bool known_ = false;
  std::string trouble_;
};

}  // namespace sonde
