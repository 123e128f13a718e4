// What the HTTP server counts; shown at /metrics.
#pragma once

#include <cstdint>

namespace sonde::web {

struct HttpCounters {
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t malformed_requests = 0;  ///< also those over a limit
  std::uint64_t handler_failures = 0;    ///< the handler threw: our bug or the store's failure; the client got 500
  std::uint64_t slow_clients = 0;        ///< dropped because they did not read
  std::uint64_t accept_failures = 0;     ///< the system had no descriptor or memory left
};

}  // namespace sonde::web
