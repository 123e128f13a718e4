// Carries out connect probes: names first, then one TCP handshake, timed in a thread that does nothing else.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>

#include "agent/core/connect_probe.h"
#include "agent/io/resolver.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde::io {

/// Used on the loop's thread; on_result is called there, once for each start() (maybe within it), and never after
/// destruction. Addresses are
/// tried in order, the next one only where this host has no way to the one before. Both ends' times are taken right at
/// connect() and at the wake that tells that the socket is established.
class Connector {
 public:
  /// Handshakes and look-ups under way; a probe beyond it is skipped, and its result says so.
  static constexpr std::size_t max_pending = 1024;

  Connector(boost::asio::io_context& loop, Resolver& resolver, std::function<void(Result)> on_result);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void set_clock(const ClockMap& clock);
  /// The address to connect from: the one that the others know this site by. nullopt leaves it to the kernel.
  void set_source(const std::optional<IpAddress>& source);
  void start(ConnectOrder order);
  std::size_t pending() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde::io
