#include "coordinator/io/http_server.h"

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coordinator/io/http_session.h"

namespace sonde::io {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using ErrorCode = boost::system::error_code;

/// After the system had nothing left for a new connection.
constexpr auto accept_pause = std::chrono::milliseconds(100);

[[noreturn]] void throw_system(int error, const std::string& attempt) {
  throw std::system_error(error, std::generic_category(), attempt);
}

tcp::acceptor listen_on(net::io_context& loop, const Endpoint& bind) {
  const std::string attempt = "listen on " + bind.str();
  const tcp::endpoint endpoint(net::ip::make_address(bind.address.str()), bind.port);
  tcp::acceptor acceptor(loop);
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (error) throw_system(error.value(), attempt);
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (error) throw_system(error.value(), attempt);
  acceptor.bind(endpoint, error);
  if (error) throw_system(error.value(), attempt);
  acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) throw_system(error.value(), attempt);
  return acceptor;
}

tcp::acceptor adopt(net::io_context& loop, Fd listening) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  void* const raw = &address;
  if (::getsockname(listening.get(), static_cast<sockaddr*>(raw), &length) != 0)
    throw_system(errno, "take over the listening socket");
  tcp::acceptor acceptor(loop);
  ErrorCode error;
  acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), listening.get(), error);
  if (error) throw_system(error.value(), "take over the listening socket");
  static_cast<void>(listening.release());
  return acceptor;
}

}  // namespace

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(tcp::acceptor acceptor, std::shared_ptr<HttpShared> shared)
      : acceptor_(std::move(acceptor)), pause_(shared->loop), shared_(std::move(shared)) {}

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
      if (!self->acceptor_.is_open()) return;
      if (error) return self->accept_later();
      self->take(std::move(socket));
      self->accept();
    });
  }

  void stop() {
    shared_->stopping = true;
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const auto& session : present()) session->stop();
  }

  /// References, because a session that ends takes itself out of the set.
  std::vector<std::shared_ptr<HttpSession>> present() const {
    std::vector<std::shared_ptr<HttpSession>> sessions;
    for (HttpSession* session : shared_->sessions)
      if (auto held = session->weak_from_this().lock()) sessions.push_back(std::move(held));
    return sessions;
  }

  tcp::acceptor acceptor_;
  net::steady_timer pause_;
  std::shared_ptr<HttpShared> shared_;

 private:
  void accept_later() {
    ++shared_->counters.accept_failures;
    pause_.expires_after(accept_pause);
    pause_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error && self->acceptor_.is_open()) self->accept();
    });
  }

  void take(tcp::socket socket) {
    const bool refuse = shared_->sessions.size() - shared_->refusing >= shared_->limits.connections;
    ++(refuse ? shared_->counters.refused_connections : shared_->counters.connections);
    if (refuse && shared_->refusing >= shared_->limits.refused_connections) return;
    std::make_shared<HttpSession>(std::move(socket), shared_, refuse)->start();
  }
};

HttpServer::HttpServer(net::io_context& loop, const Endpoint& bind, Handler handler, const HttpLimits& limits)
    : listener_(std::make_shared<Listener>(listen_on(loop, bind),
                                           std::make_shared<HttpShared>(loop, std::move(handler), limits))) {
  listener_->accept();
}

HttpServer::HttpServer(net::io_context& loop, Fd listening, Handler handler, const HttpLimits& limits)
    : listener_(std::make_shared<Listener>(adopt(loop, std::move(listening)),
                                           std::make_shared<HttpShared>(loop, std::move(handler), limits))) {
  listener_->accept();
}

HttpServer::~HttpServer() {
  listener_->stop();
  for (const auto& session : listener_->present()) session->cut();
  listener_->shared_->pool.join();
}

std::uint16_t HttpServer::port() const {
  ErrorCode ignored;
  return listener_->acceptor_.local_endpoint(ignored).port();
}

void HttpServer::publish(const web::Sources& sources, std::span<const Link> changed) {
  for (const auto& session : listener_->present()) session->publish(sources, changed);
}

void HttpServer::stop() { listener_->stop(); }

std::size_t HttpServer::connections() const { return listener_->shared_->sessions.size(); }

HttpCounters HttpServer::counters() const { return listener_->shared_->counters; }

}  // namespace sonde::io
