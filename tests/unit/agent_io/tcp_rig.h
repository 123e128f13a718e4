// What the TCP tests share: a loop that is run until something is true, and plain sockets to poke at a port with.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>

#include "shared/base/endpoint.h"
#include "shared/io/fd.h"

namespace sonde::test {

inline const IpAddress loopback = *IpAddress::parse("127.0.0.1");

/// False where `done` did not become true in time.
inline bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done,
                      std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!done() && std::chrono::steady_clock::now() < until) {
    loop.restart();
    loop.run_for(std::chrono::milliseconds(5));
  }
  return done();
}

inline sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A connected blocking socket.
inline io::Fd connect_to(std::uint16_t port) {
  io::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback_address(port);
  sockaddr generic;
  static_assert(sizeof generic == sizeof address);
  std::copy_n(reinterpret_cast<const char*>(&address), sizeof address, reinterpret_cast<char*>(&generic));
  if (::connect(socket.get(), &generic, sizeof generic) != 0) socket.reset();
  return socket;
}

/// A socket that is bound, and listens where `backlog` is given; with its port.
inline std::pair<io::Fd, std::uint16_t> bound_socket(std::optional<int> backlog) {
  io::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback_address(0);
  sockaddr generic;
  std::copy_n(reinterpret_cast<const char*>(&address), sizeof address, reinterpret_cast<char*>(&generic));
  if (::bind(socket.get(), &generic, sizeof generic) != 0) return {};
  if (backlog) ::listen(socket.get(), *backlog);
  socklen_t size = sizeof generic;
  ::getsockname(socket.get(), &generic, &size);
  std::copy_n(reinterpret_cast<const char*>(&generic), sizeof address, reinterpret_cast<char*>(&address));
  return {std::move(socket), ntohs(address.sin_port)};
}

}  // namespace sonde::test
