#include "tests/bench/tcp_ends.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "agent/io/socket_address.h"
#include "agent/io/tcp_socket.h"
#include "shared/io/clock.h"
#include "shared/io/fd.h"

namespace sonde::bench {
namespace {

int checked(int result, const char* attempt) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), attempt);
  return result;
}

struct Address {
  explicit Address(const Endpoint& endpoint) : length(io::to_sockaddr(endpoint, false, storage)) {}
  const sockaddr* get() const { return static_cast<const sockaddr*>(static_cast<const void*>(&storage)); }
  sockaddr_storage storage{};
  socklen_t length;
};

io::Fd open_socket(int type) { return io::Fd(checked(::socket(AF_INET, type | SOCK_CLOEXEC, 0), "opening a socket")); }

}  // namespace

void accept_connections(const Endpoint& listen, const std::atomic<bool>& stop) {
  const io::Fd socket = open_socket(SOCK_STREAM);
  const int yes = 1;
  checked(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setting SO_REUSEADDR");
  const Address address(listen);
  checked(::bind(socket.get(), address.get(), address.length), "binding");
  checked(::listen(socket.get(), 128), "listening");
  while (!stop) {
    pollfd source{socket.get(), POLLIN, 0};
    if (::poll(&source, 1, 1000) == 1) io::Fd(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
}

void connect_often(const Endpoint& to, int count, nanoseconds every) {
  const Address address(to);
  MonoTime next = io::read_clock().mono;
  for (int i = 0; i < count; ++i) {
    const nanoseconds left = next - io::read_clock().mono;
    const timespec wait{0, left > nanoseconds(0) ? left.count() % 1'000'000'000 : 0};
    ::ppoll(nullptr, 0, &wait, nullptr);
    next += every;
    io::Fd socket = open_socket(SOCK_STREAM);
    const MonoTime began = io::read_clock().mono;
    checked(::connect(socket.get(), address.get(), address.length), "connecting");
    fmt::print("{}\n", (io::read_clock().mono - began).count());
    io::reset_connection(socket);
  }
}

void fill_queue(const Endpoint& to, int octets, const std::atomic<bool>& stop) {
  const io::Fd socket = open_socket(SOCK_DGRAM);
  checked(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets), "setting SO_SNDBUF");
  const Address address(to);
  constexpr std::array<char, 972> datagram{};  // 1,000 octets of IP
  while (!stop) ::sendto(socket.get(), datagram.data(), datagram.size(), 0, address.get(), address.length);
}

}  // namespace sonde::bench
