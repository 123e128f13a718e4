// Drains one ZeroMQ socket on an Asio loop. ZMQ_FD tells of a change, not of readiness, so after each wake, and after
// each send, the socket itself is asked (zmq_getsockopt(3), ZMQ_FD and ZMQ_EVENTS).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <zmq.hpp>

#include <functional>
#include <memory>

namespace sonde::io {

class ZmqPump {
 public:
  /// Receives one message without waiting; false where there is none.
  using TakeOne = std::function<bool()>;

  /// `socket` must outlive the pump. After this returns, take_one is called on the loop whenever there may be
  /// something.
  ZmqPump(boost::asio::io_context& loop, zmq::socket_t& socket, TakeOne take_one);
  ~ZmqPump();
  ZmqPump(const ZmqPump&) = delete;
  ZmqPump& operator=(const ZmqPump&) = delete;

  /// To be called after a send, which may have swallowed the wake-up of a message that came in meanwhile.
  void check();

 private:
  void turn();
  void later();

  zmq::socket_t& socket_;
  boost::asio::posix::stream_descriptor ready_;
  TakeOne take_one_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool turn_is_posted_ = false;
};

}  // namespace sonde::io
