#include "shared/io/zmq_pump.h"

#include <boost/asio/post.hpp>

namespace sonde::io {
namespace {

/// How many messages are taken before other work of the loop gets its turn.
constexpr int burst = 256;

bool readable(const zmq::socket_t& socket) { return (socket.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }

}  // namespace

ZmqPump::ZmqPump(boost::asio::io_context& loop, zmq::socket_t& socket, TakeOne take_one)
    : socket_(socket), ready_(loop, socket.get(zmq::sockopt::fd)), take_one_(std::move(take_one)) {
  later();
}

ZmqPump::~ZmqPump() {
  ready_.release();  // the descriptor belongs to libzmq
}

void ZmqPump::later() {
  if (turn_is_posted_) return;
  turn_is_posted_ = true;
  boost::asio::post(ready_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    turn_is_posted_ = false;
    turn();
  });
}

void ZmqPump::turn() {
  const std::weak_ptr alive = alive_;
  for (int i = 0; i < burst; ++i) {
    if (!take_one_()) break;
    if (alive.expired()) return;  // the message made its reader let go of us
  }
  if (readable(socket_)) return later();
  ready_.cancel();
  ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this, alive](const boost::system::error_code& error) {
                      if (!error && !alive.expired()) turn();
                    });
}

void ZmqPump::check() {
  if (readable(socket_)) later();
}

}  // namespace sonde::io
