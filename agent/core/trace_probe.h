// What a path trace sends and what it hears.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/time.h"

namespace sonde {

struct TraceProbe {
  std::uint32_t sequence = 0;  ///< also the STAMP sequence number
  std::uint8_t ttl = 0;
  std::uint32_t octets = 0;  ///< of the IP packet
};

struct TraceAnswer {
  enum class Kind : std::uint8_t {
    reply,        ///< of the far reflector
    exceeded,     ///< a router: the TTL ended there
    refused,      ///< the far host: nobody listens on that port
    unreachable,  ///< a router or host: it goes no further
    too_big,      ///< a router, or our own kernel (then without `from`): longer than what comes next carries
  };
  Kind kind = Kind::reply;
  std::optional<std::uint32_t> sequence;  ///< of the probe; nullopt: the router gave too little of it back
  std::string from;
  std::uint32_t mtu = 0;                 ///< of too_big; 0: it did not say
  std::uint32_t reflector_sequence = 0;  ///< of a reply (RFC 8762, 4.3)
  std::uint8_t received_ttl = 0;         ///< of a reply: with which the probe arrived there; 0: unknown
  std::optional<nanoseconds> rtt;
};

}  // namespace sonde
