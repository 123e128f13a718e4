// TCP's part of the comparison: the time that connect() takes, and a socket that keeps a queue full.
#pragma once

#include <atomic>
#include <string>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"

namespace sonde::bench {

/// Accepts and closes until `stop`.
void accept_connections(const Endpoint& listen, const std::atomic<bool>& stop);

/// Connects `count` times, one each `every`, and prints each duration in ns on a line of its own: userland's clock
/// around a blocking connect(), which is how most tools do it.
void connect_often(const Endpoint& to, int count, nanoseconds every);

/// Keeps about `octets` (as the kernel counts memory) of UDP datagrams to `to` waiting in this host's own queue, until
/// `stop`: a blocking socket with a send buffer of that size.
void fill_queue(const Endpoint& to, int octets, const std::atomic<bool>& stop);

}  // namespace sonde::bench
