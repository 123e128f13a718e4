// Between sonde's addresses and the system's. Private to agent/io.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "shared/base/endpoint.h"

namespace sonde::io {

inline IpAddress from_v4(const in_addr& address) {
  IpAddress result;
  std::memcpy(result.octets.data(), &address, sizeof address);
  return result;
}

/// An IPv4-mapped address (::ffff:a.b.c.d), as a dual-stack socket reports IPv4, becomes IPv4.
inline IpAddress from_v6(const in6_addr& address) {
  IpAddress result;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::memcpy(result.octets.data(), address.s6_addr + 12, 4);
    return result;
  }
  result.family = IpAddress::Family::v6;
  std::memcpy(result.octets.data(), address.s6_addr, 16);
  return result;
}

inline in_addr to_v4(const IpAddress& address) {
  in_addr result{};
  std::memcpy(&result, address.octets.data(), sizeof result);
  return result;
}

inline in6_addr to_v6(const IpAddress& address) {
  in6_addr result{};
  if (address.family == IpAddress::Family::v6) {
    std::memcpy(result.s6_addr, address.octets.data(), 16);
  } else {
    result.s6_addr[10] = result.s6_addr[11] = 0xFF;
    std::memcpy(result.s6_addr + 12, address.octets.data(), 4);
  }
  return result;
}

/// Fills `storage` for a socket of the given family; an IPv4 address on an IPv6 socket is mapped.
inline socklen_t to_sockaddr(const Endpoint& endpoint, bool v6_socket, sockaddr_storage& storage) {
  storage = {};
  if (v6_socket) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    address.sin6_addr = to_v6(endpoint.address);
    std::memcpy(&storage, &address, sizeof address);
    return sizeof address;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr = to_v4(endpoint.address);
  std::memcpy(&storage, &address, sizeof address);
  return sizeof address;
}

inline std::optional<Endpoint> from_sockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    return Endpoint{from_v4(address.sin_addr), ntohs(address.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    return Endpoint{from_v6(address.sin6_addr), ntohs(address.sin6_port)};
  }
  return std::nullopt;
}

}  // namespace sonde::io
