// What a client asks for, taken apart. Pure and total: every sequence of bytes is a Target or an Error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/error.h"

namespace sonde::web {

inline constexpr std::size_t target_length_limit = 4096;
inline constexpr std::size_t target_parameter_limit = 32;

/// The part of an HTTP request that decides the answer.
struct Request {
  std::string method;           ///< "GET", as it was sent
  std::string target;           ///< "/api/v1/matrix?metric=rtt", as it was sent
  std::string if_none_match;    ///< the header's value, empty without it
  std::string authorization{};  ///< likewise
  std::string body{};           ///< at most HttpLimits::body_bytes
};

/// A request target (RFC 9112 section 3.2), percent-decoded.
struct Target {
  std::string path;  ///< begins with a slash; never holds a control character
  std::vector<std::pair<std::string, std::string>> parameters;  ///< in order, names distinct

  const std::string* parameter(std::string_view name) const;
};

/// Refuses: a target over its limit, more parameters than their limit, a parameter given twice, a broken percent
/// sequence, a control character (also a percent-encoded one), a path that does not begin with a slash. Of an absolute
/// form ("http://host/path") scheme and authority are dropped.
Expected<Target> parse_target(std::string_view text);

}  // namespace sonde::web
