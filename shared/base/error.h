// Errors that are somebody else's fault (a peer, a packet, a file's bytes): values, never exceptions.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sonde {

/// Why something was refused, in words for the person who caused it.
struct Error {
  std::string what;
  bool operator==(const Error&) const = default;
};

template <typename T>
using Expected = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string what) { return std::unexpected(Error{std::move(what)}); }

/// Our own bug: prints the place and aborts, in every build.
[[noreturn]] void bug(const char* expression, const char* file, int line);

}  // namespace sonde

#define SONDE_ASSERT(expression) \
  (static_cast<bool>(expression) ? void(0) : ::sonde::bug(#expression, __FILE__, __LINE__))
