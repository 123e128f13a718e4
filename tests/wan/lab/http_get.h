// A blocking HTTP client for tests and the demo.
#pragma once

#include <chrono>
#include <string>

#include "shared/base/error.h"

namespace sonde::lab {

struct HttpReply {
  long status = 0;
  std::string body;
};

/// The error is what libcurl says where no reply came within `limit`.
Expected<HttpReply> http_get(const std::string& url, std::chrono::milliseconds limit = std::chrono::seconds(5));

}  // namespace sonde::lab
