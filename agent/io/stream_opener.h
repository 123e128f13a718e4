// The data connections of a throughput run, from the side that opens them (the data's sender, or its receiver where
// nobody can reach that).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/io/tcp_socket.h"
#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/io/fd.h"
#include "shared/measure/metric.h"
#include "shared/wire/messages.h"

namespace sonde::io {

struct OpenPlan {
  wire::Token token{};
  std::vector<Endpoint> targets;    ///< tried in order; the next one only where this host has no way to the one before
  std::optional<IpAddress> source;  ///< to connect from; nullopt leaves it to the kernel
  std::uint32_t streams = 1;
  nanoseconds timeout{0};  ///< for all handshakes
  std::string congestion;  ///< TCP congestion control; empty: as the kernel has it
};

/// An established connection that has shown the token.
struct OpenedStream {
  Fd socket;
  TcpFacts baseline;  ///< as it was before the header was sent
};

/// Why there are none. ok: it was interrupted.
struct OpenFailure {
  Outcome outcome = Outcome::ok;
  std::string reason;
};

/// All streams, in their order. Blocks until then or until the timeout; `interrupted` is asked whenever `wake_fd` is
/// readable, and ends it where it says true.
std::expected<std::vector<OpenedStream>, OpenFailure> open_streams(const OpenPlan& plan, int wake_fd,
                                                                   const std::function<bool()>& interrupted);

/// Milliseconds to wait for, rounded up, at most a second at once.
int poll_ms(MonoTime now, MonoTime until);

}  // namespace sonde::io
