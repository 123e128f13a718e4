// The two ends of the latency probe as an agent runs them (agent/io/latency_path), without the rest of an agent.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"

namespace sonde::bench {

/// Answers probes of these senders until `stop`.
void reflect(const Endpoint& listen, const std::vector<IpAddress>& senders, const std::atomic<bool>& stop);

struct SendOrder {
  IpAddress from;
  std::vector<Endpoint> to;  ///< a stream to each
  double rate = 5;           ///< probes a second for each stream
  nanoseconds lasting{0};    ///< how long to send
  nanoseconds every{0};      ///< a result each
  std::string samples;       ///< the file for single samples; empty: not kept, as in an agent
};

/// Sends, prints its counters, and writes the samples: sequence number, t1 in userland, at the queueing discipline and
/// in the driver, t4 (ns since 1970), then rtt, rtt_host and host_queue in ns, then 1 where t3 is the far kernel's.
/// What the kernel did not stamp is 0. False where nothing came back.
bool send(const SendOrder& order, const std::atomic<bool>& stop);

}  // namespace sonde::bench
