// The mover of the data's sender: opens the streams, writes, stops, resets; one thread for one run.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "agent/core/send_window.h"
#include "agent/core/transfer_types.h"
#include "agent/io/stream_opener.h"
#include "agent/io/tcp_socket.h"
#include "shared/base/limits.h"
#include "shared/io/fd.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

struct SenderPlan {
  OpenPlan open;         ///< without targets where the far side opens the connections
  bool accepts = false;  ///< the far side opens them: they come by attach()
  Bytes max_bytes;
};

/// Reports StreamsOpen (unless it fails before) and at last SenderEnded, exactly once, also when destroyed early.
/// Little waits in the kernel (TCP_NOTSENT_LOWAT, about 50 ms of data and never less than 6 kB), so that a slow link is
/// not busy for long after the end, and the end is a reset.
class TransferSender {
 public:
  TransferSender(SenderPlan plan, std::shared_ptr<Mailbox<TransferReport>> reports);
  /// Stops and waits for the thread, which takes no longer than one turn of it.
  ~TransferSender();
  TransferSender(const TransferSender&) = delete;
  TransferSender& operator=(const TransferSender&) = delete;

  void start_writing() { inputs_.push(Command::write); }
  void stop() { inputs_.push(Command::stop); }
  /// A non-blocking socket that the far side has opened, from which the header was read.
  void attach(Fd socket, std::uint8_t stream) { inputs_.push(Attached{std::move(socket), stream}); }

 private:
  enum class Command : std::uint8_t { write, stop };
  struct Attached {
    Fd socket;
    std::uint8_t stream = 0;
  };
  using Input = std::variant<Command, Attached>;
  struct Stream {
    std::uint8_t number = 0;
    Fd socket;
    std::uint64_t acked_before = 0;  ///< octets that were no user data
    TcpFacts baseline;
    SendWindow window;
    std::uint64_t room = 0;  ///< octets that may be written in this turn
  };
  /// Why the thread should end; nullopt: it should not.
  struct Ending {
    Outcome outcome = Outcome::ok;
    std::string reason;
  };

  void run();
  std::optional<Ending> open_all();
  std::optional<Ending> accept_all();
  void add_stream(std::uint8_t number, Fd socket, const TcpFacts& baseline, std::uint64_t header_bytes);
  Ending write_until_told();
  std::optional<Ending> write_some(Stream& stream);
  std::optional<Ending> take_inputs();
  void tell_progress();
  void look_at_streams();
  static std::uint64_t acked_of(const Stream& stream, const TcpFacts& facts);
  bool budget_left() const { return written_ < plan_.max_bytes.count; }
  SenderStats stats() const;

  const SenderPlan plan_;
  const std::shared_ptr<Mailbox<TransferReport>> reports_;
  Mailbox<Input> inputs_{limits::streams_per_run + 8};
  std::vector<std::uint8_t> payload_;
  std::vector<Stream> streams_;
  bool may_write_ = false;
  std::uint64_t written_ = 0;
  std::optional<MonoTime> first_write_;
  bool all_open_ = false;  ///< no stream is held back
  MonoTime next_look_;
  MonoTime next_progress_;
  std::jthread thread_;
};

}  // namespace sonde::io
