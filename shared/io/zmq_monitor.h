// What happens to a ZeroMQ socket's connections: libzmq's monitor events, counted and told.
#pragma once

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>

#include <cstdint>
#include <functional>
#include <memory>

#include "shared/io/zmq_pump.h"

namespace sonde::io {

/// Counts since the socket was made.
struct ConnectionCounts {
  std::uint64_t opened = 0;             ///< connections that finished the CURVE handshake
  std::uint64_t broken = 0;             ///< connections that ended, also by a message over limits::message_bytes
  std::uint64_t handshakes_failed = 0;  ///< garbage, another protocol, or a key that the other side does not admit
};

enum class ConnectionChange : std::uint8_t { opened, broken, handshake_failed };

class ZmqMonitor {
 public:
  using OnChange = std::function<void(ConnectionChange)>;

  ZmqMonitor(boost::asio::io_context& loop, zmq::context_t& context, zmq::socket_t& watched, OnChange on_change);
  ~ZmqMonitor();
  ZmqMonitor(const ZmqMonitor&) = delete;
  ZmqMonitor& operator=(const ZmqMonitor&) = delete;

  const ConnectionCounts& counts() const { return counts_; }

 private:
  bool take_one();
  void on_event(std::uint16_t event);

  zmq::socket_t& watched_;
  zmq::socket_t socket_;
  OnChange on_change_;
  ConnectionCounts counts_;
  std::unique_ptr<ZmqPump> pump_;
};

}  // namespace sonde::io
