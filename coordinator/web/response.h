// An answer as a value; coordinator/io/http_server carries it out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/web/events.h"

namespace sonde::web {

struct Response;

/// A body of unknown length: each call gives the next piece, nullopt ends it. Called on the server's worker thread, one
/// call at a time; an exception cuts the connection, so that the client sees that something is missing.
using PieceSource = std::function<std::optional<std::string>()>;

/// An answer that needs the history: to be called once, on the server's worker thread. Owns copies of all that it
/// needs.
using Deferred = std::function<Response()>;

/// An event stream, and what its client is told at once.
struct EventBody {
  EventStream stream;
  std::string first;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::variant<std::string, PieceSource, EventBody, Deferred> body;
};

/// {"error": what}
Response error_response(unsigned status, std::string_view what);
/// 503: what an endpoint that needs the history answers where there is none.
Response no_store_response();
Response deferred_response(Deferred answer);

}  // namespace sonde::web
