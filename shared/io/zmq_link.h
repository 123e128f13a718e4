// ZeroMQ with CURVE on an Asio loop: a ROUTER that knows the site behind each message, and a DEALER that reconnects by
// itself.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <zmq.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "shared/base/ids.h"
#include "shared/io/curve_keys.h"
#include "shared/io/zmq_monitor.h"
#include "shared/io/zmq_pump.h"

namespace sonde::io {

/// The server side. Every connection has passed the context's ZapHandler.
class ZmqRouter {
 public:
  /// `site` is the one that the connection's key belongs to; `route` is where an answer goes.
  using OnMessage =
      std::function<void(const SiteId& site, const std::string& route, std::span<const std::uint8_t> bytes)>;

  /// Throws zmq::error_t where the endpoint cannot be bound.
  ZmqRouter(boost::asio::io_context& loop, zmq::context_t& context, const std::string& endpoint, const KeyPair& keys,
            OnMessage on_message, ZmqMonitor::OnChange on_change);
  ZmqRouter(const ZmqRouter&) = delete;
  ZmqRouter& operator=(const ZmqRouter&) = delete;

  /// False where the route is gone or its queue is full: the message is dropped.
  bool send(const std::string& route, std::span<const std::uint8_t> bytes);
  const ConnectionCounts& counts() const { return monitor_->counts(); }

 private:
  bool take_one();

  zmq::socket_t socket_;
  std::unique_ptr<ZmqMonitor> monitor_;
  OnMessage on_message_;
  std::unique_ptr<ZmqPump> pump_;
};

/// The client side. Reconnects with a back-off of 0.1 to 5 s for as long as it lives. Where the server refuses its key
/// it asks again after 2 s, if the connection is watched: libzmq alone gives up for ever.
class ZmqDealer {
 public:
  using OnMessage = std::function<void(std::span<const std::uint8_t> bytes)>;

  /// Without `on_change` the connection is not watched.
  ZmqDealer(boost::asio::io_context& loop, zmq::context_t& context, const std::string& endpoint, const KeyPair& keys,
            const std::string& server_key, OnMessage on_message, ZmqMonitor::OnChange on_change);
  ZmqDealer(const ZmqDealer&) = delete;
  ZmqDealer& operator=(const ZmqDealer&) = delete;

  /// False where there is no connection or its queue is full: the message is dropped, nothing is kept for later.
  bool send(std::span<const std::uint8_t> bytes);

 private:
  bool take_one();
  void hear(ConnectionChange change);
  void connect_again();

  zmq::socket_t socket_;
  std::string endpoint_;
  boost::asio::steady_timer again_;
  ZmqMonitor::OnChange told_;
  std::unique_ptr<ZmqMonitor> monitor_;
  OnMessage on_message_;
  std::unique_ptr<ZmqPump> pump_;
};

}  // namespace sonde::io
