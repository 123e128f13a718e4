// Throughput runs of an agent, both roles: the book of runs (agent/core/transfer_desk.h) with its data movers.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>

#include "agent/core/transfer_types.h"
#include "agent/io/resolver.h"
#include "agent/io/tcp_port.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/messages.h"

namespace sonde::io {

/// Used on the loop's thread; the functions are called there and never after destruction. They may be called within
/// start() and on_peer_message().
class TransferPath {
 public:
  struct Effects {
    std::function<void(const SiteId& to, wire::Message)> send;  ///< to another agent; may be lost
    std::function<void(Result)> result;                         ///< exactly one for each start()
    /// Data may flow (no end yet), or the link is idle again, in either role; may be left empty.
    std::function<void(const TransferActivity&)> activity{};
  };

  TransferPath(boost::asio::io_context& loop, SiteId self, TcpPort& port, Resolver& resolver, Effects effects);
  ~TransferPath();
  TransferPath(const TransferPath&) = delete;
  TransferPath& operator=(const TransferPath&) = delete;

  void set_clock(const ClockMap& clock);
  /// The address to connect from: the one that the others know this site by. nullopt leaves it to the kernel.
  void set_source(const std::optional<IpAddress>& source);
  /// Whether this site may send and receive at the same time, where the others are, how to send to them.
  void set_timetable(const Timetable& timetable);
  /// Of the timetable that is carried out now.
  void set_generation(Generation in_force);
  void start(const ThroughputOrder& order);
  /// `from` is known by its key. Messages that are none of this class' business are ignored.
  void on_peer_message(const SiteId& from, const wire::Message& message);

  bool busy() const;
  /// The run in which data may flow now, in either role, and how far it is.
  std::vector<TransferRunning> running() const;
  const TransferStats& stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde::io
