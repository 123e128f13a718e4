// What one attempt to open a TCP connection means: from raw readings to a Result. Definitions: docs/measurements.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// "Open a connection to this site now."
struct ConnectOrder {
  Link link;
  std::vector<std::string> addresses;  ///< IP addresses or DNS names, in order of preference
  std::uint16_t port = 0;
  nanoseconds timeout = std::chrono::seconds(10);  ///< for the handshake; a name's look-up has the same again
  Round round;
  Generation generation;
  SharedTime scheduled_at;
};

/// What the shell saw. Times are of this host only.
struct ConnectAttempt {
  std::optional<nanoseconds> resolve;  ///< how long the successful look-up took; nullopt where there was no name
  std::optional<Outcome> without_try;  ///< dns_failed or skipped: connect() was never called
  int error = 0;                       ///< errno of connect() or of the socket; 0: established; ETIMEDOUT: our time-out
  nanoseconds took{0};                 ///< from connect() to established or failed
  std::uint32_t syn_retransmits = 0;   ///< tcpi_total_retrans at establishment or failure
  std::optional<nanoseconds> kernel_rtt;  ///< tcpi_rtt at establishment
  std::optional<nanoseconds> reverse;     ///< how long the look-up of the target's name took; nullopt: none is known
  bool reverse_failed = false;            ///< a look-up of the name ended without one
  std::string target;                     ///< "192.0.2.1:7101", for people
  std::string trouble;                    ///< for people, where without_try is set
  std::optional<SharedTime> started_at;   ///< of connect(); nullopt where it was never called
  SharedTime finished_at;
};

/// The outcome that an errno of connect() stands for; skipped for those that are this host's own fault (no descriptors,
/// no ports, no memory): nothing was learnt about the far side.
Outcome outcome_of_connect_error(int error);

/// True for errors of connect() that mean "this host has no way to such an address": the next address is worth a try.
bool is_no_route(int error);

/// Metrics: connect, connect_clean (no SYN resent), handshake_rtt (likewise), resolve, and connectivity where tried.
/// Details: syn_retransmits, reverse_s, reverse_failed.
Result make_connect_result(const ConnectOrder& order, const ConnectAttempt& attempt);

}  // namespace sonde
