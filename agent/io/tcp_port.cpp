#include "agent/io/tcp_port.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <system_error>

#include "agent/core/transfer_header.h"
#include "agent/io/tcp_socket.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr nanoseconds sweep_every = std::chrono::seconds(1);
constexpr nanoseconds accept_pause = std::chrono::milliseconds(100);

/// ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2) and 192.0.2.1 are one host.
IpAddress plain(const IpAddress& address) {
  static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.family == IpAddress::Family::v4) return address;
  if (!std::equal(mapped.begin(), mapped.end(), address.octets.begin())) return address;
  IpAddress v4;
  std::copy_n(address.octets.begin() + 12, 4, v4.octets.begin());
  return v4;
}

boost::asio::ip::address to_asio(const IpAddress& address) {
  if (address.family == IpAddress::Family::v4) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::copy_n(address.octets.begin(), 4, bytes.begin());
    return boost::asio::ip::address_v4(bytes);
  }
  boost::asio::ip::address_v6::bytes_type bytes;
  std::ranges::copy(address.octets, bytes.begin());
  return boost::asio::ip::address_v6(bytes);
}

IpAddress from_asio(const boost::asio::ip::address& address) {
  IpAddress out;
  if (address.is_v4()) {
    std::ranges::copy(address.to_v4().to_bytes(), out.octets.begin());
  } else {
    out.family = IpAddress::Family::v6;
    std::ranges::copy(address.to_v6().to_bytes(), out.octets.begin());
  }
  return plain(out);
}

}  // namespace

class TcpPort::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& loop, const Endpoint& listen) : acceptor_(loop), pause_(loop), sweep_(loop) {
    const tcp::endpoint endpoint(to_asio(listen.address), listen.port);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(boost::asio::socket_base::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) acceptor_.set_option(boost::asio::ip::v6_only(false), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) throw std::system_error(error.value(), std::generic_category(), "listen on " + listen.str() + " (TCP)");
  }

  void run() {
    accept();
    sweep();
  }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    sweep_.cancel();
    for (auto& [id, connection] : connections_) reset(connection.socket);
    connections_.clear();
    expected_.clear();
  }

  struct Expected {
    std::set<std::uint8_t> missing;
    Attach attach;
  };
  std::map<wire::Token, Expected> expected_;
  std::set<IpAddress> members_;
  TcpPortStats stats_;
  tcp::acceptor acceptor_;

  std::size_t open() const { return connections_.size(); }

 private:
  struct Connection {
    explicit Connection(tcp::socket s) : socket(std::move(s)) {}
    tcp::socket socket;
    MonoTime deadline;
    std::array<std::uint8_t, TransferHeader::size> header{};
    std::size_t got = 0;
  };

  static void reset(tcp::socket& socket) {
    error_code ignored;
    socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
  }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
      if (!self->acceptor_.is_open()) return;
      if (!error) {
        self->admit(std::move(socket));
        return self->accept();
      }
      // Out of descriptors, most likely: accepting again at once would only spin.
      ++self->stats_.accept_errors;
      self->pause_.expires_after(accept_pause);
      self->pause_.async_wait([self](const error_code& cancelled) {
        if (!cancelled && self->acceptor_.is_open()) self->accept();
      });
    });
  }

  void admit(tcp::socket socket) {
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) {
      // A connect probe that was over before we came to it.
      ++stats_.accepted;
      ++stats_.probes;
      return reset(socket);
    }
    if (!members_.contains(from_asio(remote.address()))) {
      ++stats_.strangers;
      return reset(socket);
    }
    if (connections_.size() >= max_connections) {
      ++stats_.over_limit;
      return reset(socket);
    }
    ++stats_.accepted;
    socket.non_blocking(true, error);
    const std::uint64_t id = ++last_id_;
    auto& connection = connections_.emplace(id, std::move(socket)).first->second;
    connection.deadline = read_clock().mono + patience;
    wait(id, connection);
  }

  void wait(std::uint64_t id, Connection& connection) {
    connection.socket.async_wait(tcp::socket::wait_read, [self = shared_from_this(), id](const error_code& error) {
      const auto it = self->connections_.find(id);
      if (it == self->connections_.end()) return;
      if (error) return self->drop(it->second, id, self->stats_.probes);
      self->read(id, it->second);
    });
  }

  void read(std::uint64_t id, Connection& connection) {
    error_code error;
    const auto left = boost::asio::buffer(connection.header) + connection.got;
    const std::size_t n = connection.socket.read_some(left, error);
    if (error == boost::asio::error::would_block) return wait(id, connection);
    if (error) return drop(connection, id, connection.got == 0 ? stats_.probes : stats_.bad_headers);
    connection.got += n;
    if (connection.got < connection.header.size()) return wait(id, connection);
    attach(id, connection);
  }

  void attach(std::uint64_t id, Connection& connection) {
    const auto header = decode_transfer_header(connection.header);
    if (!header) return drop(connection, id, stats_.bad_headers);
    const auto it = expected_.find(header->token);
    if (it == expected_.end() || it->second.missing.erase(header->stream) == 0)
      return drop(connection, id, stats_.wrong_tokens);
    error_code error;
    Fd socket(connection.socket.release(error));
    connections_.erase(id);
    ++stats_.attached;
    const Attach attach = it->second.attach;  // it may call forget()
    attach(std::move(socket), header->stream);
  }

  void drop(Connection& connection, std::uint64_t id, std::uint64_t& counter) {
    ++counter;
    reset(connection.socket);
    connections_.erase(id);
  }

  void expire(MonoTime now) {
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if (it->second.deadline <= now) drop(it->second, it->first, stats_.expired);
      it = next;
    }
  }

  void sweep() {
    sweep_.expires_after(sweep_every);
    sweep_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (cancelled || !self->acceptor_.is_open()) return;
      self->expire(read_clock().mono);
      self->sweep();
    });
  }

  boost::asio::steady_timer pause_;
  boost::asio::steady_timer sweep_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t last_id_ = 0;
};

TcpPort::TcpPort(boost::asio::io_context& loop, const Endpoint& listen) : impl_(std::make_shared<Impl>(loop, listen)) {
  impl_->run();
}
TcpPort::~TcpPort() { impl_->close(); }

void TcpPort::set_members(const std::vector<IpAddress>& members) {
  impl_->members_.clear();
  for (const IpAddress& address : members) impl_->members_.insert(plain(address));
}

void TcpPort::expect(const wire::Token& token, std::uint32_t streams, Attach attach) {
  Impl::Expected expected{{}, std::move(attach)};
  for (std::uint32_t i = 0; i < streams; ++i) expected.missing.insert(static_cast<std::uint8_t>(i));
  impl_->expected_.insert_or_assign(token, std::move(expected));
}

void TcpPort::forget(const wire::Token& token) { impl_->expected_.erase(token); }

Endpoint TcpPort::local_endpoint() const {
  const auto local = impl_->acceptor_.local_endpoint();
  return {from_asio(local.address()), local.port()};
}
const TcpPortStats& TcpPort::stats() const { return impl_->stats_; }
std::size_t TcpPort::open_connections() const { return impl_->open(); }

}  // namespace sonde::io
