// Loss by direction from two sequence numbers: S, which the sender counts, and R, which a stateful reflector counts.
//
// Between two consecutive replies (S, R) and (S', R') there are S' - S - 1 probes without a reply. R' - R - 1 of them
// reached the reflector, so their replies were lost on the way back; the others were lost on the way there.
//
// Behind the last reply of a result there is no R': its tail. The far agent, whose reflector keeps count, can tell at
// once (decide_tail); where it does not, the next reply does, in the next result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// What is known of one probe when its fate is final (its timeout is over).
struct ProbeFate {
  std::uint32_t sequence = 0;
  MonoTime sent;
  bool left_host = true;  ///< false: it consumed a number but was lost in our own queue
  bool loaded = false;    ///< it met a throughput run: counted apart
  struct Reply {
    std::uint32_t reflected = 0;     ///< R of the probe's first copy
    std::uint32_t extra_copies = 0;  ///< further arrivals of the same probe that were seen; each has advanced R too
    MonoTime received;
  };
  std::optional<Reply> reply;
};

/// Probes whose direction is decided.
struct LossShares {
  std::uint64_t arrived = 0;       ///< a reply came
  std::uint64_t forward_lost = 0;  ///< never reached the reflector
  std::uint64_t reverse_lost = 0;  ///< reached it, the reply was lost
  std::uint64_t attributed() const { return arrived + forward_lost + reverse_lost; }
  bool operator==(const LossShares&) const = default;
};

/// The probes of a result that were sent behind its last reply (all of them where there was none) and left this host.
struct LossTail {
  std::uint32_t first = 0;  ///< sequence numbers, both included; in between may be some that never left this host
  std::uint32_t last = 0;
  std::uint64_t sent = 0;    ///< 0: there is no tail
  std::uint64_t loaded = 0;  ///< of these, those that met a throughput run
  bool operator==(const LossTail&) const = default;
};

struct TailShares {
  LossShares idle;
  LossShares loaded;
};
/// A tail of which the far reflector received `received` distinct probes: their replies were lost on the way back, the
/// others were lost on the way there. More than were sent count as all. Which of them met a run cannot be known: in
/// proportion.
TailShares decide_tail(const LossTail& tail, std::uint64_t received);

/// Probes whose direction was decided since the last take(); those that met no run themselves, the others in `loaded`.
struct LossCounts : LossShares {
  LossShares loaded;
  LossShares previous;                   ///< of these, the tail of the result before
  LossShares previous_loaded;            ///< the same of `loaded`
  LossTail tail;                         ///< of the result that ends now: part of `unattributed`
  std::uint64_t older_forward_lost = 0;  ///< the same for probes of results long reported
  std::uint64_t older_reverse_lost = 0;
  std::uint64_t unattributed = 0;  ///< no direction yet (a later reply may decide) or ever (before the first, restarts)
};

/// Takes the probes of one stream in order of S, every one, once. What is lost behind the last reply, before the first
/// one, and across a reflector's restart is in no direction. Reordering and unseen duplicates may make single
/// differences negative; the excess is carried to the next gap and forgotten after `settle` probes.
class DirectionLoss {
 public:
  static constexpr std::int64_t settle = 32;  ///< probes; also how far R may run ahead or back without a restart

  void on_probe(const ProbeFate& probe);
  /// The counts since the last call. Probes still pending were sent in the result that ends now or before.
  LossCounts take();

  /// Without a reply since the last reply, so far in no direction.
  std::uint64_t pending() const { return fresh_.sent + aged_.sent + older_; }
  /// True once R has differed from S: only then does the reflector count by itself (RFC 8762, 4.3).
  bool stateful_seen() const { return stateful_seen_; }
  std::uint64_t restarts() const { return restarts_; }

 private:
  struct Anchor {
    std::uint32_t sequence = 0;
    std::uint32_t reflected = 0;     ///< of the first copy
    std::uint32_t extra_copies = 0;  ///< which have advanced R further
    MonoTime received;
  };
  bool restarted(const ProbeFate& probe) const;
  void close_gap(const ProbeFate& probe);

  std::optional<Anchor> anchor_;
  std::int64_t carry_ = 0;
  std::uint32_t carry_since_ = 0;
  std::int64_t absent_ = 0;  ///< numbers since the anchor that never left this host
  LossTail fresh_;           ///< pending, of the result that is being made
  LossTail aged_;            ///< pending, of the result before it
  std::uint64_t older_ = 0;  ///< pending, of results before that
  LossCounts counts_;
  bool stateful_seen_ = false;
  std::uint64_t restarts_ = 0;
};

}  // namespace sonde
