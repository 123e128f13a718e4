// HTTP/1.1 on the program's loop (Boost.Beast). Decides nothing: what to answer comes from the handler.
//
// Nothing that a client sends or leaves out ends more than its own connection. Limits are named below; going over one
// is answered (400, 413, 431, 503) or ends the connection, and is counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "coordinator/web/http_counters.h"
#include "coordinator/web/request.h"
#include "coordinator/web/response.h"
#include "shared/base/endpoint.h"
#include "shared/base/ids.h"
#include "shared/io/fd.h"

namespace boost::asio {
class io_context;
}

namespace sonde::io {

struct HttpLimits {
  std::size_t connections = 256;              ///< one more is answered 503
  std::size_t refused_connections = 32;       ///< being told so at one time; one more is closed without a word
  std::uint32_t header_bytes = 8 * 1024;      ///< request line and headers: 431
  std::uint64_t body_bytes = 64 * 1024;       ///< 413
  std::size_t jobs = 64;                      ///< answers and pieces waiting for the worker: 503
  std::size_t event_bytes = 4U << 20;         ///< waiting for a client of an event stream: it is dropped
  std::chrono::milliseconds idle{30'000};     ///< between requests
  std::chrono::milliseconds request{10'000};  ///< from a request's first byte to its last
  std::chrono::milliseconds write{30'000};    ///< without any progress of a write
  std::chrono::milliseconds linger{1'000};    ///< for a client to take the last answer before the connection closes
};

using HttpCounters = web::HttpCounters;

/// Everything is called on the thread that runs the loop, and the loop is run by one thread. Deferred answers and
/// pieces run on one worker thread of the server's own.
class HttpServer {
 public:
  using Handler = std::function<web::Response(const web::Request&)>;

  /// Throws std::system_error ("listen on 127.0.0.1:8080"). Port 0 takes any free one.
  HttpServer(boost::asio::io_context& loop, const Endpoint& bind, Handler handler, const HttpLimits& limits = {});
  /// A socket that already listens (socket activation).
  HttpServer(boost::asio::io_context& loop, Fd listening, Handler handler, const HttpLimits& limits = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Ends every connection and waits for the worker's present piece of work.
  ~HttpServer();

  std::uint16_t port() const;
  /// Tells every client of an event stream what is new for it; call it once a second and after changes.
  void publish(const web::Sources& sources, std::span<const Link> changed);
  /// No new connections; idle ones and streams end at once, others after their present answer.
  void stop();
  std::size_t connections() const;
  HttpCounters counters() const;

 private:
  class Listener;
  std::shared_ptr<Listener> listener_;
};

}  // namespace sonde::io
