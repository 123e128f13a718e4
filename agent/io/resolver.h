// Names to addresses, and back, without stopping the loop: getaddrinfo in worker threads, a bounded queue, a time-out.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"

namespace sonde::io {

struct Resolution {
  std::vector<IpAddress> addresses;  ///< in the resolver's order (RFC 6724); empty: failed
  std::string host;                  ///< of a reverse look-up: the name; empty: failed
  nanoseconds took{0};               ///< the look-up itself, without waiting for a worker
  std::string reason;                ///< for people, where it failed
};

/// Used on the loop's thread. A look-up cannot be broken off: after its time-out the answer is forgotten, and the
/// worker goes on until the system's resolver gives up; therefore there are several workers, and none is waited for at
/// the end.
class Resolver {
 public:
  static constexpr std::size_t workers = 4;
  static constexpr std::size_t max_pending = 256;
  using Handler = std::function<void(Resolution)>;

  explicit Resolver(boost::asio::io_context& loop);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// `handler` is called once, later, on the loop; never after destruction.
  void resolve(std::string name, nanoseconds timeout, Handler handler);
  /// The name of an address (PTR), under the same rules.
  void reverse(const IpAddress& address, nanoseconds timeout, Handler handler);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde::io
