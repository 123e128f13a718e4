// The mover of the data's receiver: takes the attached streams, counts what arrives, ends the run; one thread for one
// run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "agent/core/arrival_count.h"
#include "agent/core/transfer_meter.h"
#include "agent/core/transfer_types.h"
#include "agent/io/stream_opener.h"
#include "shared/io/fd.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

/// Reports ReceiverReady when all streams are attached, ReceiverEnded when the run is over, and at last
/// ReceiverDrained, the last one exactly once, also when destroyed early. After the end it goes on reading until the
/// sender's reset, at most transfer_limits::drain.
class TransferReceiver {
 public:
  /// `open`: this side opens the connections; else they come by attach().
  TransferReceiver(const ReceiveStreams& plan, std::optional<OpenPlan> open,
                   std::shared_ptr<Mailbox<TransferReport>> reports);
  /// Stops and waits for the thread, which takes no longer than one turn of it.
  ~TransferReceiver();
  TransferReceiver(const TransferReceiver&) = delete;
  TransferReceiver& operator=(const TransferReceiver&) = delete;

  /// A non-blocking socket from which the header was read.
  void attach(Fd socket, std::uint8_t stream) { inputs_.push(Attached{std::move(socket), stream}); }
  void stop() { inputs_.push(Stop{}); }
  /// The run is over, whatever has come by now: report it.
  void end() { inputs_.push(End{}); }

 private:
  struct Stop {};
  struct End {};
  struct Attached {
    Fd socket;
    std::uint8_t stream = 0;
  };
  struct Stream {
    std::uint8_t number = 0;
    Fd socket;
    ArrivalCount arrivals;
  };
  using Input = std::variant<Attached, Stop, End>;

  void run();
  bool take_inputs();
  bool attach_all();
  bool open_all();
  bool count();
  void drain();
  bool wait(nanoseconds longest);
  void read_some(std::size_t index);
  std::uint64_t arrived(std::size_t index);
  std::uint64_t take_arrivals(MonoTime now);
  std::uint64_t take_arrivals_at(MonoTime& now);
  static void settle(Stream& stream);
  bool incomplete() const;
  std::uint64_t repeated() const;
  TransferMeterPlan meter_plan() const;
  bool all_closed() const;

  const ReceiveStreams plan_;
  const std::optional<OpenPlan> open_;
  const std::shared_ptr<Mailbox<TransferReport>> reports_;
  Mailbox<Input> inputs_;
  std::vector<std::uint8_t> buffer_;
  std::vector<Stream> streams_;
  std::vector<std::size_t> readable_;
  bool end_asked_ = false;
  MonoTime next_look_{};  ///< at all streams, also those that cannot be read
  std::jthread thread_;
};

}  // namespace sonde::io
