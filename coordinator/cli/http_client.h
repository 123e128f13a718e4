// HTTP for the command line (libcurl).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "shared/base/error.h"

namespace sonde::cli {

struct HttpReply {
  long status = 0;
  std::string body;  ///< empty where it was given to a sink
};

/// Gets whole pieces of the body as they come; false ends the transfer.
using BodySink = std::function<bool(std::string_view)>;

/// Asked at least once a second while a transfer is under way; false ends it.
using KeepGoing = std::function<bool()>;

/// One GET, never through a proxy. Waits 5 s for the connection and 60 s for each further byte. With a sink the body of
/// a 200 goes there. An error says what was tried, why it failed, and what to do.
Expected<HttpReply> http_get(const std::string& base_url, const std::string& path, const BodySink& sink = {},
                             const KeepGoing& keep_going = {});

/// One POST of JSON with a bearer token, under the same rules.
Expected<HttpReply> http_post(const std::string& base_url, const std::string& path, const std::string& json,
                              const std::string& token);

/// One DELETE with a bearer token, under the same rules.
Expected<HttpReply> http_delete(const std::string& base_url, const std::string& path, const std::string& token);

/// For a value in a query or path.
std::string url_encoded(std::string_view text);

}  // namespace sonde::cli
