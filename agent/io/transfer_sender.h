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
#include "agent/io/tcp_socket.h"
#include "shared/base/endpoint.h"
#include "shared/io/fd.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

struct SenderPlan {
  wire::Token token{};
  std::vector<Endpoint> targets;    ///< tried in order; the next one only where this host has no way to the one before
  std::optional<IpAddress> source;  ///< to connect from; nullopt leaves it to the kernel
  std::uint32_t streams = 1;
  Bytes max_bytes;
  nanoseconds timeout{0};  ///< for all handshakes
  std::string congestion;  ///< TCP congestion control; empty: as the kernel has it
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

  void start_writing() { commands_.push(Command::write); }
  void stop() { commands_.push(Command::stop); }

 private:
  enum class Command : std::uint8_t { write, stop };
  struct Stream {
    Fd socket;
    bool connected = false;
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
  std::optional<Ending> open_streams();
  std::optional<Ending> open_streams_to(const Endpoint& target, MonoTime deadline, int& error);
  std::optional<Ending> on_handshake(std::size_t index, const Endpoint& target, int& error);
  Ending write_until_told();
  std::optional<Ending> write_some(Stream& stream);
  std::optional<Ending> take_commands();
  void tell_progress();
  void look_at_streams();
  std::uint64_t acked_of(const Stream& stream, const TcpFacts& facts) const;
  bool budget_left() const { return written_ < plan_.max_bytes.count; }
  SenderStats stats() const;

  const SenderPlan plan_;
  const std::shared_ptr<Mailbox<TransferReport>> reports_;
  Mailbox<Command> commands_{8};
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
