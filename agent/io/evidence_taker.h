// Looks at the ways that the coordinator asks for, one at a time, on the event loop.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde::io {

/// What a look needs to know of the far site.
struct TraceTarget {
  std::vector<Endpoint> addresses;  ///< in order of preference; the first that can be sent to is used
  bool counts = true;               ///< an agent is there: its reflector counts by itself
  std::uint8_t dscp = 0;            ///< of the latency probes
};

class EvidenceTaker {
 public:
  struct Doors {
    std::function<std::optional<TraceTarget>(const SiteId&)> target;  ///< nullopt: no such site
    std::function<bool()> busy;                                       ///< a throughput run is under way here
    std::function<void(wire::EvidenceTaken)> done;
  };

  struct Own {
    std::optional<IpAddress> address;  ///< where it listens on one
    std::uint16_t port = 0;            ///< that of every probe, where it is free
    std::uint64_t seed = 0;            ///< of the STAMP session ids
  };

  EvidenceTaker(boost::asio::io_context& loop, const Own& own, Doors doors);
  /// What is under way ends without an answer.
  ~EvidenceTaker();
  EvidenceTaker(const EvidenceTaker&) = delete;
  EvidenceTaker& operator=(const EvidenceTaker&) = delete;

  void set_clock(const ClockMap& clock);
  void order(const wire::EvidenceOrder& order);
  /// Often: begins what waits.
  void tick();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde::io
