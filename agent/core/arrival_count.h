// How much user data has arrived on a stream, from what its kernel counts: also what lies behind a hole.
//
// A read hands out data in order only, so one lost segment stops it for a round trip or, on a slow link, for many
// seconds, and the next read brings everything at once. The link went on all that time. The kernel counts segments as
// they come.
#pragma once

#include <cstdint>

namespace sonde {

/// From TCP_INFO of the receiving socket, since it was made. The counts are 32 bits wide there and may wrap.
struct ArrivalFacts {
  std::uint64_t in_order = 0;      ///< tcpi_bytes_received: octets up to the first hole
  std::uint32_t segments = 0;      ///< tcpi_data_segs_in: with data, also those that came before
  std::uint32_t out_of_order = 0;  ///< tcpi_rcv_ooopack: behind a hole
  std::uint32_t mss = 1448;        ///< tcpi_rcv_mss
};

class ArrivalCount {
 public:
  explicit ArrivalCount(const ArrivalFacts& before) : seen_(before) {}

  /// New data since the last call. A segment that came twice counts once, where it can be told: it is neither behind a
  /// hole nor moves the first one. The kernel counts a repeated segment behind a hole like a new one: see settle().
  std::uint64_t add(const ArrivalFacts& now);
  /// The socket holds nothing, so nothing lies behind a hole: what was counted above the data in order came twice. It
  /// is taken off what comes next, so that the sum never falls.
  void settle() { counted_ = in_order_; }
  /// All data so far, less what is known to have come twice.
  std::uint64_t counted() const { return counted_; }
  /// As of the last call of add(): a look that finds the same has missed nothing.
  std::uint32_t segments() const { return seen_.segments; }
  /// Segments so far that brought nothing new: the sender repeated without need.
  std::uint64_t repeated() const { return repeated_; }
  /// Something lies behind a hole, or was counted twice.
  bool has_hole() const { return counted_ > in_order_; }

 private:
  ArrivalFacts seen_;
  std::uint64_t in_order_ = 0;
  std::uint64_t counted_ = 0;  ///< never below in_order_
  std::uint64_t told_ = 0;     ///< the sum of what add() has returned
  std::uint64_t repeated_ = 0;
};

}  // namespace sonde
