// The agent's TCP port: takes connect probes in silence and hands data connections to the transfer they belong to.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/io/fd.h"
#include "shared/wire/messages.h"

namespace sonde::io {

/// Counts for /metrics; they only rise.
struct TcpPortStats {
  std::uint64_t accepted = 0;      ///< connections of members
  std::uint64_t strangers = 0;     ///< closed at once: not a member's address
  std::uint64_t over_limit = 0;    ///< closed at once: max_connections were open
  std::uint64_t probes = 0;        ///< ended by the other side without having sent anything: connect probes
  std::uint64_t expired = 0;       ///< reset after `patience`
  std::uint64_t bad_headers = 0;   ///< reset: sent something that is no data connection
  std::uint64_t wrong_tokens = 0;  ///< reset: a token, or a stream, that nobody expects
  std::uint64_t attached = 0;      ///< handed over
  std::uint64_t accept_errors = 0;
};

/// A connection either stays silent (a connect probe: the other side resets it, and that is its normal end) or begins
/// with a TransferHeader. This side never closes first, except after `patience`.
class TcpPort {
 public:
  static constexpr nanoseconds patience = std::chrono::seconds(15);
  static constexpr std::size_t max_connections = 512;
  /// The socket is non-blocking; exactly the header was read from it.
  using Attach = std::function<void(Fd socket, std::uint8_t stream)>;

  /// Throws std::system_error ("listen on ...") where the port cannot be had. Port 0: any (for tests).
  TcpPort(boost::asio::io_context& loop, const Endpoint& listen);
  ~TcpPort();
  TcpPort(const TcpPort&) = delete;
  TcpPort& operator=(const TcpPort&) = delete;

  /// Whose connections are accepted; nobody's before the first call. IPv4 in IPv6 form is the same address.
  void set_members(const std::vector<IpAddress>& members);

  /// Data connections that show `token` with a stream below `streams`, each once, go to `attach`, until forget().
  void expect(const wire::Token& token, std::uint32_t streams, Attach attach);
  void forget(const wire::Token& token);

  Endpoint local_endpoint() const;
  const TcpPortStats& stats() const;
  std::size_t open_connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sonde::io
