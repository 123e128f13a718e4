#include "tests/wan/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace sonde::wan {
namespace {

constexpr int queue_packets = 10'000;  // the kernel's queue before the emulator: it must never be what drops
constexpr int device_mtu = 1500;

int checked(int result, const std::string& attempt) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), attempt);
  return result;
}

/// Puts the calling thread into a namespace and back.
class InNamespace {
 public:
  explicit InNamespace(const std::string& netns)
      : home_(checked(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "opening this network namespace")) {
    const io::Fd other(
        checked(::open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC), "opening network namespace " + netns));
    checked(::setns(other.get(), CLONE_NEWNET), "entering network namespace " + netns);
  }
  ~InNamespace() {
    if (::setns(home_.get(), CLONE_NEWNET) < 0) std::terminate();  // nowhere to go on from
  }
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;

 private:
  io::Fd home_;
};

ifreq request_for(const std::string& name) {
  ifreq request{};
  const std::size_t length = std::min(name.size(), sizeof(request.ifr_name) - 1);
  std::memcpy(request.ifr_name, name.data(), length);
  return request;
}

sockaddr ipv4(const std::uint8_t* octets) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, octets, 4);
  return std::bit_cast<sockaddr>(address);
}

void add_ipv4(int socket, const std::string& name, const IpAddress& address) {
  ifreq request = request_for(name);
  request.ifr_addr = ipv4(address.octets.data());
  checked(::ioctl(socket, SIOCSIFADDR, &request), "giving " + name + " the address " + address.str());
  constexpr std::uint8_t mask[] = {255, 255, 255, 0};
  request.ifr_netmask = ipv4(mask);
  checked(::ioctl(socket, SIOCSIFNETMASK, &request), "giving " + name + " a network mask");
}

void add_ipv6(const std::string& name, const IpAddress& address) {
  const io::Fd socket(checked(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "opening an IPv6 socket"));
  ifreq index = request_for(name);
  checked(::ioctl(socket.get(), SIOCGIFINDEX, &index), "finding " + name);
  in6_ifreq request{};
  std::memcpy(&request.ifr6_addr, address.octets.data(), 16);
  request.ifr6_prefixlen = 64;
  request.ifr6_ifindex = index.ifr_ifindex;
  checked(::ioctl(socket.get(), SIOCSIFADDR, &request), "giving " + name + " the address " + address.str());
}

void bring_up(int socket, const std::string& name) {
  ifreq request = request_for(name);
  request.ifr_mtu = device_mtu;
  checked(::ioctl(socket, SIOCSIFMTU, &request), "setting the MTU of " + name);
  request.ifr_qlen = queue_packets;
  checked(::ioctl(socket, SIOCSIFTXQLEN, &request), "setting the queue of " + name);
  checked(::ioctl(socket, SIOCGIFFLAGS, &request), "reading the flags of " + name);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  checked(::ioctl(socket, SIOCSIFFLAGS, &request), "bringing up " + name);
}

}  // namespace

io::Fd open_tun(const std::string& netns, const std::string& name, const std::vector<IpAddress>& addresses) {
  const InNamespace here(netns);
  io::Fd tun(checked(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "opening /dev/net/tun"));
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  checked(::ioctl(tun.get(), TUNSETIFF, &request), "making the TUN device " + name + " in " + netns);
  const io::Fd socket(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "opening an IPv4 socket"));
  bring_up(socket.get(), name);
  for (const IpAddress& address : addresses) {
    if (address.family == IpAddress::Family::v4) {
      add_ipv4(socket.get(), name, address);
    } else {
      add_ipv6(name, address);
    }
  }
  return tun;
}

}  // namespace sonde::wan
