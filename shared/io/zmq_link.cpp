#include "shared/io/zmq_link.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "shared/base/limits.h"

namespace sonde::io {
namespace {

/// Messages that one peer may have waiting in either direction.
constexpr int queue_limit = 1000;
constexpr int reconnect_first_ms = 100;
constexpr int reconnect_most_ms = 5000;
constexpr auto ask_again_after = std::chrono::seconds(2);
/// ZMTP pings find a dead peer without TCP's help.
constexpr int ping_interval_ms = 2000;
constexpr int ping_timeout_ms = 6000;
constexpr int handshake_timeout_ms = 10000;

void set_common(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::message_bytes));
  socket.set(zmq::sockopt::sndhwm, queue_limit);
  socket.set(zmq::sockopt::rcvhwm, queue_limit);
  socket.set(zmq::sockopt::heartbeat_ivl, ping_interval_ms);
  socket.set(zmq::sockopt::heartbeat_timeout, ping_timeout_ms);
  socket.set(zmq::sockopt::handshake_ivl, handshake_timeout_ms);
}

std::span<const std::uint8_t> bytes_of(const zmq::message_t& message) {
  return {static_cast<const std::uint8_t*>(message.data()), message.size()};
}

/// Takes what is left of a message of more frames than our protocol has; true where there was any.
bool skip_rest(zmq::socket_t& socket) {
  bool any = false;
  zmq::message_t ignored;
  while (socket.get(zmq::sockopt::rcvmore) && socket.recv(ignored, zmq::recv_flags::dontwait)) any = true;
  return any;
}

}  // namespace

ZmqRouter::ZmqRouter(boost::asio::io_context& loop, zmq::context_t& context, const std::string& endpoint,
                     const KeyPair& keys, OnMessage on_message, ZmqMonitor::OnChange on_change)
    : socket_(context, zmq::socket_type::router), on_message_(std::move(on_message)) {
  set_common(socket_);
  socket_.set(zmq::sockopt::curve_server, true);
  socket_.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket_.set(zmq::sockopt::zap_domain, "sonde");
  socket_.set(zmq::sockopt::router_mandatory, true);
  monitor_ = std::make_unique<ZmqMonitor>(loop, context, socket_, std::move(on_change));
  socket_.bind(endpoint);
  pump_ = std::make_unique<ZmqPump>(loop, socket_, [this] { return take_one(); });
}

bool ZmqRouter::take_one() {
  zmq::message_t route;
  if (!socket_.recv(route, zmq::recv_flags::dontwait)) return false;
  zmq::message_t body;
  const bool has_body = socket_.get(zmq::sockopt::rcvmore) && socket_.recv(body, zmq::recv_flags::dontwait).has_value();
  if (skip_rest(socket_) || !has_body) return true;
  const char* user = zmq_msg_gets(body.handle(), "User-Id");
  if (const auto site = SiteId::parse(user != nullptr ? user : ""))
    on_message_(*site, route.to_string(), bytes_of(body));
  return true;
}

bool ZmqRouter::send(const std::string& route, std::span<const std::uint8_t> bytes) {
  bool sent = false;
  try {
    sent = socket_.send(zmq::buffer(route), zmq::send_flags::sndmore | zmq::send_flags::dontwait) &&
           socket_.send(zmq::buffer(bytes.data(), bytes.size()), zmq::send_flags::dontwait);
  } catch (const zmq::error_t&) {  // EHOSTUNREACH: the peer is gone
  }
  pump_->check();
  return sent;
}

ZmqDealer::ZmqDealer(boost::asio::io_context& loop, zmq::context_t& context, const std::string& endpoint,
                     const KeyPair& keys, const std::string& server_key, OnMessage on_message,
                     ZmqMonitor::OnChange on_change)
    : socket_(context, zmq::socket_type::dealer),
      endpoint_(endpoint),
      again_(loop),
      told_(std::move(on_change)),
      on_message_(std::move(on_message)) {
  set_common(socket_);
  socket_.set(zmq::sockopt::curve_publickey, keys.public_key);
  socket_.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket_.set(zmq::sockopt::curve_serverkey, server_key);
  socket_.set(zmq::sockopt::immediate, true);
  socket_.set(zmq::sockopt::reconnect_ivl, reconnect_first_ms);
  socket_.set(zmq::sockopt::reconnect_ivl_max, reconnect_most_ms);
  socket_.set(zmq::sockopt::connect_timeout, reconnect_most_ms);
  if (told_)
    monitor_ = std::make_unique<ZmqMonitor>(loop, context, socket_, [this](ConnectionChange change) { hear(change); });
  socket_.connect(endpoint_);
  pump_ = std::make_unique<ZmqPump>(loop, socket_, [this] { return take_one(); });
}

void ZmqDealer::hear(ConnectionChange change) {
  if (change == ConnectionChange::opened) again_.cancel();
  if (change == ConnectionChange::handshake_failed) {
    again_.expires_after(ask_again_after);
    again_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) connect_again();
    });
  }
  told_(change);
}

// A site's agent may run before the coordinator has its key, and keys are exchanged while agents run.
void ZmqDealer::connect_again() {
  try {
    socket_.disconnect(endpoint_);
  } catch (const zmq::error_t&) {  // ENOENT: libzmq has nothing left of it
  }
  socket_.connect(endpoint_);
  pump_->check();
}

bool ZmqDealer::take_one() {
  zmq::message_t body;
  if (!socket_.recv(body, zmq::recv_flags::dontwait)) return false;
  if (!skip_rest(socket_)) on_message_(bytes_of(body));
  return true;
}

bool ZmqDealer::send(std::span<const std::uint8_t> bytes) {
  const bool sent = socket_.send(zmq::buffer(bytes.data(), bytes.size()), zmq::send_flags::dontwait).has_value();
  pump_->check();
  return sent;
}

}  // namespace sonde::io
