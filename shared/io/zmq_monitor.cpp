#include "shared/io/zmq_monitor.h"

#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <string>

namespace sonde::io {
namespace {

constexpr int watched_events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_DISCONNECTED;

std::string unique_address() {
  static std::atomic<std::uint64_t> next{0};
  return fmt::format("inproc://sonde-monitor-{}", next++);
}

}  // namespace

ZmqMonitor::ZmqMonitor(boost::asio::io_context& loop, zmq::context_t& context, zmq::socket_t& watched,
                       OnChange on_change)
    : watched_(watched), socket_(context, zmq::socket_type::pair), on_change_(std::move(on_change)) {
  const std::string address = unique_address();
  if (zmq_socket_monitor(watched_.handle(), address.c_str(), watched_events) != 0) throw zmq::error_t();
  socket_.set(zmq::sockopt::linger, 0);
  socket_.connect(address);
  pump_ = std::make_unique<ZmqPump>(loop, socket_, [this] { return take_one(); });
}

ZmqMonitor::~ZmqMonitor() { zmq_socket_monitor(watched_.handle(), nullptr, 0); }

bool ZmqMonitor::take_one() {
  zmq::message_t event;
  if (!socket_.recv(event, zmq::recv_flags::dontwait)) return false;
  std::uint16_t number = 0;
  if (event.size() >= sizeof number) std::memcpy(&number, event.data(), sizeof number);
  zmq::message_t address;
  const bool two_frames = !socket_.get(zmq::sockopt::rcvmore) || socket_.recv(address, zmq::recv_flags::dontwait);
  if (two_frames) on_event(number);
  return true;
}

void ZmqMonitor::on_event(std::uint16_t event) {
  switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: ++counts_.opened; return on_change_(ConnectionChange::opened);
    case ZMQ_EVENT_DISCONNECTED: ++counts_.broken; return on_change_(ConnectionChange::broken);
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      ++counts_.handshakes_failed;
      return on_change_(ConnectionChange::handshake_failed);
    default: return;
  }
}

}  // namespace sonde::io
