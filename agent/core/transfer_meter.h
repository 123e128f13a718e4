// The receiver's judgement of a throughput run: collects readings, decides when the run ends, and says what was seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/measure/throughput.h"
#include "shared/wire/messages.h"

namespace sonde {

struct TransferMeterPlan {
  nanoseconds duration{0};
  nanoseconds max_duration{0};
  Bytes max_bytes;
  std::uint32_t streams = 1;
  std::uint32_t segment_bytes = 1448;  ///< of user data, as the kernel sees them (tcpi_rcv_mss)
  std::optional<nanoseconds> rtt;      ///< of the handshakes
  bool may_settle = true;              ///< false: as long as the other direction runs, too
};

/// Why a run ended.
/// `partner`: the other direction of a duplex run ended.
enum class TransferEnd : std::uint8_t { settled = 0, duration = 1, budget = 2, cut = 3, closed = 4, partner = 5 };

class TransferMeter {
 public:
  /// Readings kept; when there are more, every second one is left out and readings come half as often from then on.
  static constexpr std::size_t max_readings = 4096;
  static constexpr nanoseconds check_every = std::chrono::milliseconds(50);
  /// A run goes on past its duration until so many full segments came after the knee.
  static constexpr std::uint64_t segments_wanted = 20;
  /// A steady part this long, and 1.5 round trips, may end the run where arrivals are even: a window that still grows
  /// doubles within it.
  static constexpr std::uint32_t even_looks = 16;
  static constexpr nanoseconds even_for = std::chrono::milliseconds(600);
  /// The same behind a burst that is larger than any bucket looked for: perhaps only a slump.
  static constexpr nanoseconds even_for_after_slump = std::chrono::milliseconds(2400);
  /// From this rate on the sender's window opens soon (SendWindow::largest_bucket), and a run goes on for longer than
  /// it took until then: latency under load is to be that of a queue which the congestion control fills as it likes.
  static constexpr double opens_soon_bps = 3e6;
  /// The largest token bucket that is looked for: before so much came, a fast rate without a fall may be a bucket's.
  static constexpr std::uint64_t largest_bucket = 384'000;
  /// Below this a run that is not steady yet goes on to twice its duration.
  static constexpr double slow_bps = 1e6;
  /// Slower than this is not what a sender brings by itself at the start (SendWindow): the link's pace.
  static constexpr double surely_paced_bps = 4e6;

  TransferMeter(const TransferMeterPlan& plan, MonoTime began);

  /// A run with this many segments after the knee need not be quiet.
  static constexpr std::uint64_t segments_enough = 60;

  /// What is known of new data besides how much it is.
  struct Remarks {
    bool repeated = false;    ///< segments came that brought nothing new
    bool incomplete = false;  ///< some of the data so far lie behind a hole, or perhaps came twice
  };
  /// `bytes` more of user data came at `at`; `at` never falls. What is above the byte budget came twice: nobody sends
  /// more.
  void add(MonoTime at, std::uint64_t bytes, Remarks remarks);
  void add(MonoTime at, std::uint64_t bytes) { add(at, bytes, Remarks{}); }
  /// Asks at most once in check_every. nullopt: go on.
  std::optional<TransferEnd> check(MonoTime now);
  /// When check() wants to be asked next.
  MonoTime next_check() const { return next_check_; }
  std::uint64_t bytes() const { return bytes_; }
  /// All octets of the budget have come, and in order.
  bool budget_used() const { return bytes_ >= plan_.max_bytes.count && !incomplete_; }

  /// `bytes` of each stream at the end, in their order, without what was first taken for new and had come twice.
  void set_streams(std::vector<std::uint64_t> bytes) { stream_bytes_ = std::move(bytes); }
  /// The report. outcome is timeout where no data came, or where they stopped well before the end; reset where the far
  /// side closed before there was a value; else ok, without a rate where there were fewer than throughput_min_reads
  /// reads.
  wire::TransferFinished report(const wire::Token& token, MonoTime now, TransferEnd end) const;

 private:
  ThroughputEstimate estimate() const;
  bool long_enough(const ThroughputEstimate& estimate) const;
  bool past_any_bucket(const ThroughputEstimate& estimate) const;
  bool settled(const ThroughputEstimate& estimate);
  nanoseconds least_steady(const ThroughputEstimate& estimate) const;
  bool even(const ThroughputEstimate& estimate);
  bool mostly_open() const;
  void keep(ArrivalReading reading);
  bool went_silent(MonoTime now) const;
  void add_streams(wire::TransferFinished& report) const;

  const TransferMeterPlan plan_;
  const MonoTime began_;
  MonoTime next_check_;
  std::uint64_t bytes_ = 0;
  bool incomplete_ = false;
  std::uint64_t reads_ = 0;
  std::vector<std::uint64_t> stream_bytes_;
  std::uint64_t stride_ = 1;  ///< every stride-th read is kept, and always the newest
  bool newest_is_extra_ = false;
  std::vector<ArrivalReading> readings_;
  std::uint32_t looks_ = 0;
  nanoseconds next_look_{0};  ///< length of the steady part at which the next look is worth while
  std::optional<ArrivalReading> last_repeat_;
  std::uint32_t even_looks_ = 0;
  nanoseconds next_even_look_{0};  ///< from the first reading on: the knee may still move
};

}  // namespace sonde
